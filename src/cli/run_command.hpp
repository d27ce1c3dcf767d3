#pragma once
#include <functional>
#include <string>
#include <vector>

namespace rollcall::cli {

/// Runs `command` to its end and passes signals on to it. `started` is called once it runs. Its exit code, 128 and the
/// signal that ended it, 127 if there is no such command, 126 if it can't be run. Call it while there is one thread
/// only: from then on the signals wait for it.
int run_command(const std::vector<std::string>& command, const std::function<void()>& started);

}  // namespace rollcall::cli
