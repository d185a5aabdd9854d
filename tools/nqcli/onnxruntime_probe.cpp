#include "onnxruntime_probe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

extern char** environ;

namespace nq {
namespace {

constexpr const char* kScript = R"(
import sys
try:
    import onnxruntime
except Exception as error:
    print("no onnxruntime: %s" % error)
    sys.exit(3)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
options.optimized_model_filepath = sys.argv[2]
options.log_severity_level = 3
options.intra_op_num_threads = 1
try:
    onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
except Exception as error:
    print("it does not load the model: %s" % str(error).replace("\n", " "))
    sys.exit(4)
print(onnxruntime.__version__)
)";

/// Output of a process and how it ended.
struct Finished {
  int code = -1;
  std::string text;  ///< its stdout, first kilobytes, trimmed
};

std::string read_all(int descriptor) {
  constexpr std::size_t kMaxText = 4096;
  std::string text;
  std::vector<char> buffer(4096);
  while (true) {
    const ssize_t count = ::read(descriptor, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    if (text.size() < kMaxText) text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  text.erase(text.find_last_not_of(" \r\n") + 1);
  return text;
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Runs a program with its stdout in a pipe and its stderr thrown away; code 127 when it cannot be started.
Finished run_program(std::vector<std::string> arguments) {
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return {127, std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_ends[1]);
  Finished finished{127, std::strerror(error)};
  if (error == 0) {
    finished.text = read_all(pipe_ends[0]);
    finished.code = wait_for(process);
  }
  ::close(pipe_ends[0]);
  return finished;
}

}  // namespace

OnnxRuntimeAnswer optimize_with_onnxruntime(const std::filesystem::path& model, const std::filesystem::path& optimized) {
  const char* named = std::getenv("NQ_PYTHON");
  const std::string python = named != nullptr && *named != '\0' ? named : "python3";
  const Finished finished = run_program({python, "-c", kScript, model.string(), optimized.string()});
  OnnxRuntimeAnswer answer;
  answer.available = finished.code == 0;
  if (answer.available) answer.version = finished.text;
  else answer.reason = fmt::format("'{}' (NQ_PYTHON, else python3): {}", python,
                                   finished.text.empty() ? fmt::format("exit code {}", finished.code) : finished.text);
  return answer;
}

}  // namespace nq
