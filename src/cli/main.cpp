#include <fmt/format.h>

#include <exception>

#include "cli/app.hpp"

int main(int argc, char** argv) {
  try {
    rollcall::cli::Program program;
    add_daemon_commands(program);
    add_write_commands(program);
    add_read_commands(program);
    add_watch_command(program);
    add_backup_commands(program);
    add_autoscale_command(program);
    add_role_command(program);
    add_agent_command(program);
    add_generated_texts(program);
    return program.main(argc, argv);
  } catch (const std::exception& error) {
    return rollcall::cli::complain({rollcall::ErrorCode::internal, error.what(), {}});
  }
}
