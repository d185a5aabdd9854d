#include "terminal.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace nq {

bool stderr_is_interactive() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool stderr_has_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  return stderr_is_interactive() && (no_color == nullptr || *no_color == '\0');
}

}  // namespace nq
