#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <string_view>

namespace rollcall {

/// For the log: where the daemon listens, and who may ask it there. `certified`: clients show a certificate.
void say_who_may_ask(const boost::asio::ip::tcp::endpoint& listening, std::size_t tokens, std::string_view scheme = "",
                     bool certified = false);

}  // namespace rollcall
