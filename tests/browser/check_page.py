"""check_page.py PAGE [HOSTILE...]: opens a report in headless Chromium and checks what a reader does with it.

Every HOSTILE text stands in the data under names of layers, images and models and must show as text.
Prints each check; ends at the first that fails. NQ_SCREENSHOTS names a folder for pictures.
"""

import json
import os
import sys
import time

from chromium import Chromium, find_chromium

READY = "document.documentElement?.dataset?.ready === 'true'"

# Colours that a canvas holds, as a count, and whether one of them is a series' colour rather than text or grid.
PIXELS = """
(canvas) => {
  const { width, height } = canvas;
  // Read from a copy: reading a canvas often makes the browser warn.
  const copy = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = copy.getImageData(0, 0, width, height).data;
  const colors = new Map();
  let vivid = 0;
  for (let k = 0; k < data.length; k += 4) {
    if (data[k + 3] < 128) continue;
    const key = data[k] << 16 | data[k + 1] << 8 | data[k + 2];
    colors.set(key, (colors.get(key) || 0) + 1);
  }
  const tones = [...Array(6).keys(), "mark"].map((name) => typeof name === "number" ? "--tone-" + name : "--mark")
    .map((name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()).map((hex) => parseInt(hex.slice(1), 16));
  for (const tone of tones) vivid += colors.get(tone) || 0;
  return { label: canvas.getAttribute("aria-label"), width, height, colors: colors.size, vivid };
}
"""


def check(what, passed, detail=""):
    print(("ok      " if passed else "FAILED  ") + what + (f": {detail}" if detail and not passed else ""))
    if not passed:
        sys.exit(1)


def check_canvases(browser, within, fewest):
    found = browser.evaluate(f"[...document.querySelectorAll({json.dumps(within + ' canvas')})].map({PIXELS})")
    check(f"{within} has at least {fewest} charts", len(found) >= fewest, found)
    for canvas in found:
        drawn = canvas["width"] > 100 and canvas["height"] > 100 and canvas["colors"] >= 3 and canvas["vivid"] >= 20
        check(f"drawn: {canvas['label'][:60]}", drawn, canvas)


def center(browser, selector, index=0):
    return browser.evaluate(
        f"(() => {{ const item = document.querySelectorAll({json.dumps(selector)})[{index}]; item.scrollIntoView({{block: 'center'}});"
        " const box = item.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()")


def click(browser, selector, index=0):
    browser.click(*center(browser, selector, index))


def wait_until(browser, what, expression):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if browser.evaluate(expression):
            check(what, True)
            return
        time.sleep(0.05)
    check(what, False, expression)


def shot(browser, name, selector=None):
    folder = os.environ.get("NQ_SCREENSHOTS")
    if folder:
        browser.screenshot(os.path.join(folder, name + ".png"), selector)


def check_quiet(browser, page):
    check("nothing was logged", browser.problems == [], browser.problems)
    own = "file://" + os.path.realpath(page)
    others = [url for url in browser.requests if not url.startswith("data:") and url.split("#")[0].replace("%3C", "<") != own]
    check("no request leaves the page", others == [], others)


def check_images(browser):
    shown = "document.querySelectorAll('.picture:not([hidden])').length"
    check("one picture is shown", browser.evaluate(shown) == 1)
    check_canvases(browser, "#pictures", 1)
    stars = browser.evaluate(STARS)
    check("stars mark the highest scores, beside the axis", all(stars), stars)
    click(browser, "#gallery button", 1)
    wait_until(browser, "a click chooses another picture", "!document.querySelector('#picture-1').hidden && " + shown + " === 1")
    check("the gallery says which is shown", browser.evaluate("document.querySelectorAll('#gallery button')[1].getAttribute('aria-pressed')") == "true")
    check("pictures are decoded", browser.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)"))
    shot(browser, "images", "#images")


# Whether a star lies at each model's highest score, or one that covers it, and clear of the axes.
STARS = """
(() => {
  const canvas = document.querySelector("#pictures canvas");
  const chart = Chart.getChart(canvas);
  const { width, height } = canvas;
  const copy = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const stars = chart.data.datasets.map(({ data, borderColor }) => {
    const highest = data.reduce((best, point) => (point.y > best.y ? point : best));
    return { color: parseInt(borderColor.slice(1), 16), x: chart.scales.x.getPixelForValue(highest.x), y: chart.scales.y.getPixelForValue(highest.y) };
  });
  // Of the square about a star's centre, which no line fills.
  const filled = (star) => {
    const data = copy.getImageData(Math.round(star.x) - 3, Math.round(star.y) - 3, 7, 7).data;
    const near = stars.filter((other) => Math.hypot(other.x - star.x, other.y - star.y) < 14).map((other) => other.color);
    let count = 0;
    for (let k = 0; k < data.length; k += 4) count += near.includes(data[k] << 16 | data[k + 1] << 8 | data[k + 2]);
    return count >= 15;
  };
  return stars.map((star) => filled(star) && star.x > chart.chartArea.left + 6 && star.x < chart.chartArea.right - 6);
})()
"""


def check_layers(browser):
    check_canvases(browser, "#layer-charts", 2)
    click(browser, "#layers-table button", 4)
    wait_until(browser, "a click opens a layer", "!document.querySelector('#site-panel').hidden")
    check("focus is on its title", browser.evaluate("document.activeElement.id") == "site-panel-title")
    name = browser.evaluate("document.querySelectorAll('#layers-table button')[4].textContent")
    check("it is that layer", browser.evaluate("document.activeElement.textContent") == name)
    check_canvases(browser, "#site-panel", 6)
    shot(browser, "site", "#site-panel")
    before = browser.evaluate("document.querySelector('#site-panel canvas').toDataURL()")
    browser.evaluate("[...document.querySelectorAll('#site-panel button')].find((item) => item.textContent === 'Logarithmic').focus()")
    browser.key(" ", "Space", " ")
    wait_until(browser, "the space bar switches to logarithms", "document.activeElement.getAttribute('aria-pressed') === 'true'")
    check("the charts follow", browser.evaluate("document.querySelector('#site-panel canvas').toDataURL()") != before)
    check_canvases(browser, "#site-panel", 6)
    browser.key("Escape")
    wait_until(browser, "Escape closes the layer", "document.querySelector('#site-panel').hidden")
    check("focus is back on its button", browser.evaluate("document.activeElement.textContent") == name)
    browser.key("Tab")
    next_name = browser.evaluate("document.activeElement.textContent")
    check("Tab goes to the next layer", next_name == browser.evaluate("document.querySelectorAll('#layers-table button')[5].textContent"))
    browser.key("Enter", text="\r")
    wait_until(browser, "Enter opens it", "document.activeElement.id === 'site-panel-title'")
    check("it is the next layer", browser.evaluate("document.activeElement.textContent") == next_name)
    point = browser.evaluate("""(() => { const canvas = document.querySelector('#layer-charts canvas'); canvas.scrollIntoView({block: 'center'});
      const point = Chart.getChart(canvas).getDatasetMeta(0).data[1]; const box = canvas.getBoundingClientRect();
      return [box.x + point.x, box.y + point.y, Chart.getChart(canvas).data.datasets[0].data[1].x]; })()""")
    wanted = browser.evaluate(f"document.querySelectorAll('#layers-table button')[{point[2]}].textContent")
    browser.click(point[0], point[1])
    wait_until(browser, "a click on a point of the chart opens its layer",
               f"document.querySelector('#site-panel-title')?.textContent === {json.dumps(wanted)}")
    click(browser, "#layers-table button", 0)
    wait_until(browser, "a layer that is float everywhere says so",
               "document.querySelector('#site-panel').textContent.includes('No model quantizes the input')")
    click(browser, "#layers-table button", 2)
    wait_until(browser, "a product of activations opens", "document.querySelectorAll('#site-panel canvas').length > 0")
    titles = browser.evaluate("[...document.querySelectorAll('#site-panel figcaption')].map((item) => item.textContent)")
    for operand in ("left operand", "right operand"):
        for what in ("Input X, ", "Quantizer input X, ", "Quantized values, "):
            check(f"{what}{operand}", any(title.startswith(what + operand) for title in titles), titles)
    check_canvases(browser, "#site-panel", 8)


def check_accessible(browser):
    check("every chart is an image with a text", browser.evaluate(
        "[...document.querySelectorAll('canvas')].every((item) => item.getAttribute('role') === 'img' && item.getAttribute('aria-label'))"))
    check("every button says what it does", browser.evaluate(
        "[...document.querySelectorAll('button')].every((item) => item.textContent.trim() || item.getAttribute('aria-label'))"))
    check("every table has a caption and headings", browser.evaluate(
        "[...document.querySelectorAll('table')].every((item) => item.caption && item.querySelector('thead th[scope=col]'))"))
    check("every heading of a table has a text", browser.evaluate(
        "[...document.querySelectorAll('th')].every((item) => item.textContent.trim())"))
    check("one header, one main and a named navigation", browser.evaluate(
        "['header', 'main', 'nav[aria-label]'].every((item) => document.querySelectorAll(item).length === 1)"))
    check("every section is named by its heading", browser.evaluate(
        "[...document.querySelectorAll('section')].every((item) => /^H[12]$/.test(document.getElementById(item.getAttribute('aria-labelledby')).tagName))"))
    check("the page has a language", browser.evaluate("document.documentElement.lang") == "en")
    check("no identifier occurs twice", browser.evaluate(
        "(() => { const all = [...document.querySelectorAll('[id]')].map((item) => item.id); return new Set(all).size === all.length; })()"))


def check_hostile(browser, texts):
    check("no script and no picture came from a name", browser.evaluate(
        "document.querySelectorAll('script').length === 4 && [...document.images].every((item) => item.src.startsWith('data:'))"))
    check("no name became an element or ran", browser.evaluate("!document.querySelector('b, i, iframe, svg') && window.hostile === undefined"))
    for text in texts:
        check(f"shown as text: {text}", browser.evaluate(f"document.body.textContent.includes({json.dumps(text)})"))


def check_dark(browser):
    before = browser.evaluate("document.querySelector('#overview canvas').toDataURL()")
    browser.set_dark(True)
    wait_until(browser, "dark colours apply", "getComputedStyle(document.body).backgroundColor === 'rgb(21, 23, 27)'")
    # Styles are computed when they are asked for; the page hears of the change with the next frame.
    wait_until(browser, "charts follow", f"document.querySelector('#overview canvas').toDataURL() !== {json.dumps(before)}")
    check_canvases(browser, "#overview", 2)
    shot(browser, "overview_dark", "#overview")


def resize(browser, width, height):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def check_narrow(browser):
    wide = browser.evaluate("[innerWidth, innerHeight]")
    resize(browser, 390, 800)
    wait_until(browser, "a narrow page has no sideways scrolling", "document.documentElement.scrollWidth <= innerWidth")
    broken = browser.evaluate("""[...document.querySelectorAll("td")].filter((cell) => {
      if (!/^-?[0-9.]+( %| dB)?$/.test(cell.textContent) || cell.offsetHeight === 0) return false;
      const range = document.createRange();
      range.selectNodeContents(cell);
      return range.getBoundingClientRect().height > 24;
    }).map((cell) => cell.textContent)""")
    check("no figure is broken over lines", broken == [], broken)
    check("every model stands under its bar", browser.evaluate(
        "[...document.querySelectorAll('#overview canvas')].every((item) => { const chart = Chart.getChart(item);"
        " return chart.scales.x.ticks.length === chart.data.labels.length; })"))
    shot(browser, "narrow", "#layers")
    resize(browser, *wide)


# What the charts are while the page prints, in the order of the page.
RECORD = """addEventListener("beforeprint", () => {
  window.printed = [...document.querySelectorAll("canvas")].map((item) => item.toDataURL());
})"""


def print_page(browser):
    data = browser.call("Page.printToPDF", printBackground=True)["data"]
    check("it prints", len(data) > 20000)
    return browser.evaluate("window.printed")


def check_print(browser):
    shown = "[...document.querySelectorAll('canvas')].map((item) => item.toDataURL())"
    browser.evaluate(RECORD)
    browser.set_dark(False)
    light = print_page(browser)
    browser.set_dark(True)
    browser.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.evaluate(f"window.before = JSON.stringify({shown})")
    check("paper has the light colours whatever the screen has", print_page(browser) == light and light != [])
    wait_until(browser, "the screen is as it was", f"JSON.stringify({shown}) === window.before")
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    browser.call("Emulation.setEmulatedMedia", media="print")
    resize(browser, 720, 1000)
    check("charts stay in their frames on paper", browser.evaluate(
        "[...document.querySelectorAll('.chart canvas')].every((item) => item.getBoundingClientRect().right <= item.closest('.chart').getBoundingClientRect().right"
        " && item.getBoundingClientRect().bottom <= item.closest('.chart').getBoundingClientRect().bottom)"))
    check("paper is white", browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)")
    browser.evaluate("dispatchEvent(new Event('afterprint'))")


def check_without_scripts(chromium, page, texts):
    with Chromium(chromium, scripts=False) as browser:
        browser.open(page, "document.readyState === 'complete'")
        check("without scripts no chart is there", browser.evaluate("document.querySelectorAll('canvas').length") == 0)
        check("but tables are", browser.evaluate("document.querySelectorAll('table').length") > 10)
        check("every picture is shown", browser.evaluate("[...document.querySelectorAll('.picture')].every((item) => item.offsetHeight > 0)"))
        check("a layer's table opens", browser.evaluate(
            "(() => { const item = document.querySelector('#site-4'); item.open = true; return item.querySelector('table').offsetHeight > 0; })()"))
        captions = browser.evaluate("[...document.querySelectorAll('#site-4 caption')].map((item) => item.textContent)")
        for caption in ("Figures", "Input: values per bin", "Quantized values: values per code", "Output: values per bin",
                        "Noisy bias N over the channels", "Loss over the activation scale", "Loss over the noisy bias"):
            check(f"the layer's table '{caption}'", caption in captions, captions)
        for text in texts:
            check(f"shown as text: {text}", browser.evaluate(f"document.body.textContent.includes({json.dumps(text)})"))
        check_quiet(browser, page)


def main():
    page, texts = sys.argv[1], sys.argv[2:]
    chromium = find_chromium()
    check("Chromium is installed", chromium is not None)
    with Chromium(chromium) as browser:
        browser.open(page, READY)
        check_quiet(browser, page)
        check_canvases(browser, "#overview", 2)
        shot(browser, "overview", "#overview")
        check_images(browser)
        check_layers(browser)
        check_accessible(browser)
        check_hostile(browser, texts)
        check_dark(browser)
        check_narrow(browser)
        check_print(browser)
        check_quiet(browser, page)
    check_without_scripts(chromium, page, texts)


if __name__ == "__main__":
    main()
