#pragma once
#include <boost/asio/io_context.hpp>
#include <string_view>

namespace rollcall::net {

/// Runs `context` on this thread until it is stopped or has no work left. A handler that throws is a defect: it is
/// logged as "WHAT failed", and the thread goes on with the others' work.
void run_io_loop(boost::asio::io_context& context, std::string_view logger, std::string_view what = "a task");

}  // namespace rollcall::net
