#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "net/tls.hpp"

namespace rollcall::net {
namespace {

using boost::asio::ip::tcp;
using http::Transfer;

// A record's plaintext (RFC 8446, 5.1). Each write makes one, so that a repeated attempt is never shorter than the
// first, as OpenSSL asks for.
constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

struct FreeSsl {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

/// OpenSSL reads and writes the descriptor, which doesn't block, whenever it is called.
class TlsChannel final : public http::Channel {
 public:
  TlsChannel(tcp::socket socket, const TlsContext& context)
      : Channel(std::move(socket)), context_(context), ssl_(SSL_new(context.current().get())) {
    boost::system::error_code error;
    this->socket().native_non_blocking(true, error);
    usable_ = ssl_ && !error && SSL_set_fd(ssl_.get(), this->socket().native_handle()) == 1;
    if (usable_) SSL_set_accept_state(ssl_.get());
  }

  ~TlsChannel() override {
    const bool heard = ssl_ && BIO_number_read(SSL_get_rbio(ssl_.get())) > 0;
    if (heard && !open_) context_.count_failed_handshake();
  }

  [[nodiscard]] Transfer open() noexcept override {
    const auto opened = attempt([](SSL* ssl) { return SSL_do_handshake(ssl); }, 0);
    open_ = opened.state == Transfer::State::done;
    return opened;
  }

  [[nodiscard]] Transfer read(std::span<char> room) noexcept override {
    std::size_t bytes = 0;
    return attempt([&](SSL* ssl) { return SSL_read_ex(ssl, room.data(), room.size(), &bytes); }, bytes);
  }

  [[nodiscard]] Transfer write(std::span<const iovec> parts) noexcept override {
    std::array<char, kRecordBytes> copied;
    const auto record = record_of(parts, copied);
    std::size_t bytes = 0;
    return attempt([&](SSL* ssl) { return SSL_write_ex(ssl, record.data(), record.size(), &bytes); }, bytes);
  }

  void finish() noexcept override {
    // A handshake that isn't finished has nothing to close.
    if (usable_ && SSL_is_init_finished(ssl_.get()) == 1) {
      ERR_clear_error();
      SSL_shutdown(ssl_.get());
    }
    boost::system::error_code ignored;
    socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  [[nodiscard]] bool is_clear() const noexcept override { return false; }

 private:
  // One record of many small parts; of a part that fills it, without copying.
  static std::span<const char> record_of(std::span<const iovec> parts, std::span<char> room) noexcept {
    const auto& first = parts.front();
    if (parts.size() == 1 || first.iov_len >= room.size()) {
      return {static_cast<const char*>(first.iov_base), std::min(first.iov_len, room.size())};
    }
    std::size_t used = 0;
    for (const auto& part : parts) {
      const auto taken = std::min(part.iov_len, room.size() - used);
      std::memcpy(room.data() + used, part.iov_base, taken);
      used += taken;
    }
    return room.first(used);
  }

  template <class Call>
  Transfer attempt(Call call, const std::size_t& bytes) noexcept {
    if (!usable_) return {Transfer::State::ended, 0};
    ERR_clear_error();  // SSL_get_error() looks at what others have left as well
    const int result = call(ssl_.get());
    if (result > 0) return {Transfer::State::done, bytes};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Transfer::State::needs_read, 0};
      case SSL_ERROR_WANT_WRITE:
        return {Transfer::State::needs_write, 0};
      case SSL_ERROR_ZERO_RETURN:  // the peer has finished in order
        return {Transfer::State::ended, 0};
      default:
        fail();
        return {Transfer::State::ended, 0};
    }
  }

  // After such an error there is nothing that may still be called.
  void fail() noexcept {
    usable_ = false;
    const auto error = ERR_peek_error();
    ERR_clear_error();
    if (error == 0 || !log::enabled(log::Level::debug)) return;
    const char* reason = ERR_reason_error_string(error);
    log::debug("tls", "a connection with {} failed: {}", http::address_of_peer(socket()),
               reason == nullptr ? "unknown reason" : reason);
  }

  const TlsContext& context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  bool usable_ = false;
  bool open_ = false;  ///< hands are shaken
};

}  // namespace

std::unique_ptr<http::Channel> make_tls_channel(tcp::socket socket, const TlsContext& context) {
  return std::make_unique<TlsChannel>(std::move(socket), context);
}

}  // namespace rollcall::net
