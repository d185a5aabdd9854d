#include <CLI/CLI.hpp>
#include <csignal>
#include <memory>
#include <string>

#include "document.hpp"
#include "error_report.hpp"
#include "help_format.hpp"
#include "nq/interrupt.hpp"
#include "nq/version.hpp"

namespace nq {

/// Adds every subcommand; generated from commands/CMakeLists.txt.
void add_commands(CLI::App& app);

namespace {

/// The first signal asks the work to stop at its next step; the default action is restored, so that a
/// second one ends the process at once.
void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = [](int) { request_interrupt(); };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

constexpr const char* kFooter = R"(
Examples:
  nqcli inspect vit.onnx
  nqcli calibrate vit.onnx --images calib/ --wbits 6 --abits 6 -o vit_w6a6.onnx
  nqcli eval vit_w6a6.onnx --images val/ --reference vit.onnx

Exit codes: 0 ok, 2 usage, 3 bad input file, 4 unsupported model, 5 gate failed, 6 resource limit,
70 internal error, 130 interrupted.)";

void describe(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormat>());
  app.name("nqcli");
  app.description(
      "Quantizes Vision Transformer ONNX models to QDQ ONNX, with image folders as calibration data.");
  app.set_version_flag("--version", "nqcli " + std::string(version()), "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  add_commands(app);
}

}  // namespace
}  // namespace nq

int main(int argc, char** argv) {
  CLI::App app;
  try {
    nq::install_signal_handlers();
    nq::describe(app);
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("a command (inspect, calibrate, ...)");
    return 0;
  } catch (...) {
    try {
      return nq::report_current_exception(app);
    } catch (...) {
      return 70;
    }
  }
}
