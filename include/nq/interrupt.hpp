#pragma once

namespace nq {

/// Asks running work to stop at its next step with Error(interrupted). Async-signal-safe.
void request_interrupt() noexcept;

/// Throws Error(interrupted) once request_interrupt() was called; long loops call it per step.
void check_interrupt();

/// Removes every file that is being written under a temporary name. Safe in a signal handler that ends the process.
void remove_temporary_files() noexcept;

}  // namespace nq
