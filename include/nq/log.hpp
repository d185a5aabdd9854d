#pragma once

#include <functional>
#include <string_view>

namespace nq {

enum class LogLevel { debug, info, warning };

/// Receives every message of the library. The library prints nothing by itself.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Installs the sink of the process; an empty function silences the library again.
void set_log_sink(LogSink sink);

}  // namespace nq
