#pragma once
// What --server says, and where that is.
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace rollcall::cli {

struct Server {
  boost::asio::ip::tcp::endpoint endpoint{};
  std::string host{};   ///< as it was asked for: a name, or an address without brackets
  bool secure = false;  ///< https
};

/// HOST:PORT; before it http:// or https://, with which the port may be left out.
[[nodiscard]] Result<Server> find_server(std::string_view text);

/// ADDRESS:PORT as it is, NAME:PORT by asking the system's resolver.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> resolve(std::string_view text);

}  // namespace rollcall::cli
