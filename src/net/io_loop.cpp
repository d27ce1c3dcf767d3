#include "net/io_loop.hpp"

#include <exception>

#include "base/log.hpp"

namespace rollcall::net {

void run_io_loop(boost::asio::io_context& context, std::string_view logger, std::string_view what) {
  for (bool again = true; again;) {
    try {
      context.run();
      again = false;
    } catch (const std::exception& error) {
      log::error(logger, "{} failed: {}", what, error.what());
    }
  }
}

}  // namespace rollcall::net
