"""readme_images.py PAGE FOLDER LAYER MODEL: the pictures of the README, taken from a report in headless Chromium.

LAYER is the name of the layer that is opened, MODEL the label of the model whose charts of it are shown.
"""

import json
import os
import sys

from chromium import Chromium, find_chromium

READY = "document.documentElement?.dataset?.ready === 'true'"

OPEN_LAYER = """(layer) => {
  [...document.querySelectorAll("#layers-table button")].find((item) => item.textContent === layer).click();
  [...document.querySelectorAll("#site-panel button")].find((item) => item.textContent === "Logarithmic").click();
  document.activeElement.blur();
}"""
# The panel holds the figures and every model's charts, too much for one picture: one model and the search stay.
KEEP_MODEL = """(model) => {
  document.querySelector("#site-panel .scroll").remove();
  for (const heading of document.querySelectorAll("#site-panel h4")) {
    if ([model, "Noisy bias and search"].includes(heading.textContent)) continue;
    heading.nextElementSibling.remove();
    heading.remove();
  }
}"""


def main():
    page, folder, layer, model = sys.argv[1:]
    with Chromium(find_chromium(), width=1280) as browser:
        browser.open(page, READY)
        browser.screenshot(os.path.join(folder, "report_overview.png"), "#overview")
        browser.screenshot(os.path.join(folder, "report_scores.png"), ".picture:not([hidden])")
    with Chromium(find_chromium(), width=1100, dark=True) as browser:
        browser.open(page, READY)
        browser.evaluate(f"({OPEN_LAYER})({json.dumps(layer)})")
        browser.evaluate(f"({KEEP_MODEL})({json.dumps(model)})")
        browser.screenshot(os.path.join(folder, "report_layer.png"), "#site-panel")


if __name__ == "__main__":
    main()
