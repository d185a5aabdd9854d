#pragma once

namespace nq {

/// Whether stderr is a terminal on which a line may be redrawn: not redirected, TERM not "dumb".
bool stderr_is_interactive();

/// Whether stderr takes colours: interactive, and NO_COLOR (no-color.org) unset or empty.
bool stderr_has_colour();

}  // namespace nq
