#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>

#include "document.hpp"
#include "error_report.hpp"
#include "help_format.hpp"
#include "nq/error.hpp"
#include "nq/interrupt.hpp"
#include "nq/version.hpp"

namespace nq {

/// Adds every subcommand; generated from commands/CMakeLists.txt.
void add_commands(CLI::App& app);

namespace {

timer_t deadline;
bool has_deadline = false;
volatile std::sig_atomic_t is_stopping = 0;

/// Ends the process where it stands; only what is safe in a signal handler.
[[noreturn]] void end_at_once(ErrorKind kind, std::string_view line) {
  remove_temporary_files();
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_code(kind));
}

[[noreturn]] void stop_at_once() {
  end_at_once(ErrorKind::interrupted, "error[interrupted]: stopped by a signal\n");
}

/// A mapped file that becomes shorter while it is used takes its pages away.
void on_bus_error(int, siginfo_t* info, void*) {
  if (info->si_code == BUS_ADRERR) {
    end_at_once(ErrorKind::input, "error[input]: a file was cut or its disk failed while it was read\n");
  }
  std::signal(SIGBUS, SIG_DFL);
}

/// The first signal asks the work to stop at its next step, and gives it until the deadline.
void on_signal(int) {
  if (is_stopping != 0) stop_at_once();
  is_stopping = 1;
  request_interrupt();
  if (!has_deadline) return;
  constexpr itimerspec kPatience{{0, 0}, {0, 750'000'000}};
  ::timer_settime(deadline, 0, &kPatience, nullptr);
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = [](int) { stop_at_once(); };
  sigaction(SIGALRM, &action, nullptr);
  struct sigaction bus {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &bus, nullptr);
  // A write beyond the limit of file sizes shall fail like one to a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  has_deadline = ::timer_create(CLOCK_MONOTONIC, &event, &deadline) == 0;
}

bool has_ended = false;  ///< main is about to return

/// GCC's OpenMP runtime calls exit(1) when it cannot start its threads or allocate what it needs for them.
void on_exit() {
  if (has_ended) return;
  end_at_once(ErrorKind::resource,
              "error[resource]: the threads cannot be started: not enough memory, or too many threads · hint: lower --threads, "
              "or lift the limit of the process\n");
}

/// By default every thread's heap reserves address space that it does not use, which a limit on it counts all the same.
void share_heap_under_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) ::mallopt(M_ARENA_MAX, 1);
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

int run(int argc, char** argv) {
  CLI::App app;
  try {
    share_heap_under_limit();
    install_signal_handlers();
    describe(app);
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("a command (inspect, calibrate, ...)");
    return 0;
  } catch (...) {
    try {
      return report_current_exception(app);
    } catch (...) {
      return 70;
    }
  }
}

}  // namespace
}  // namespace nq

int main(int argc, char** argv) {
  std::atexit(nq::on_exit);
  const int code = nq::run(argc, argv);
  nq::has_ended = true;
  return code;
}
