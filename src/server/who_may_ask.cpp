#include "server/who_may_ask.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "net/endpoint.hpp"

namespace rollcall {

void say_who_may_ask(const boost::asio::ip::tcp::endpoint& listening, std::size_t tokens, std::string_view scheme,
                     bool certified) {
  const auto where = fmt::format("{}{}", scheme, net::to_text(listening));
  if (tokens != 0) {
    log::info("main", "listening on {}: asking for one of {} tokens", where, tokens);
  } else if (certified) {
    log::info("main", "listening on {}: everyone with a client certificate may read and write, for there are no tokens",
              where);
  } else if (listening.address().is_loopback()) {
    log::info("main", "listening on {}: everyone on this machine may read and write, for there are no tokens", where);
  } else {
    log::warning("main",
                 "listening beyond loopback on {}: everyone who reaches it may read and write, for there are no tokens",
                 where);
  }
}

}  // namespace rollcall
