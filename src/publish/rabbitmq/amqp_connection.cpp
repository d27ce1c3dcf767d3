#include "publish/rabbitmq/amqp_connection.hpp"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace rollcall {
namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr int kFrameBytes = 131'072;
constexpr int kHeartbeatSeconds = 10;
constexpr timeval kConnectTimeout{.tv_sec = 2, .tv_usec = 0};
constexpr timeval kReplyTimeout{.tv_sec = 5, .tv_usec = 0};
constexpr std::uint8_t kPersistent = 2;

amqp_bytes_t bytes_of(std::string_view text) {
  return {.len = text.size(), .bytes = const_cast<char*>(text.data())};  // NOLINT: the library doesn't write there
}

/// The protocol allows no more.
amqp_bytes_t short_text(std::string_view text) { return bytes_of(text.substr(0, 255)); }

std::string text_of(const amqp_bytes_t& bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }

amqp_table_entry_t entry(const char* key, bool value) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  made.value.value.boolean = value ? 1 : 0;
  return made;
}

/// Why the broker ended a connection or a channel.
std::string closed_by_broker(const amqp_method_t& method) {
  if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<amqp_connection_close_t*>(method.decoded);
    return fmt::format("{} {}", close->reply_code, text_of(close->reply_text));
  }
  const auto* close = static_cast<amqp_channel_close_t*>(method.decoded);
  return fmt::format("{} {}", close->reply_code, text_of(close->reply_text));
}

bool is_close(const amqp_method_t& method) {
  return method.id == AMQP_CONNECTION_CLOSE_METHOD || method.id == AMQP_CHANNEL_CLOSE_METHOD;
}

/// Empty when it was answered as it should be.
std::string failure_of(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && is_close(reply.reply)) return closed_by_broker(reply.reply);
  return reply.library_error != 0 ? amqp_error_string2(reply.library_error) : "an answer that makes no sense";
}

bool refuses_login(const amqp_rpc_reply_t& reply) {
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || reply.reply.id != AMQP_CONNECTION_CLOSE_METHOD)
    return false;
  return static_cast<amqp_connection_close_t*>(reply.reply.decoded)->reply_code == AMQP_ACCESS_REFUSED;
}

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return inet_pton(AF_INET, host.c_str(), &ignored) == 1 || inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

timeval timeval_of(std::chrono::milliseconds wait) {
  return {.tv_sec = wait.count() / 1000, .tv_usec = wait.count() % 1000 * 1000};
}

}  // namespace

AmqpConnection::AmqpConnection(const BrokerUrl& url, const RabbitMqOptions& options)
    : url_(url), options_(options), state_(amqp_new_connection()) {}

AmqpConnection::~AmqpConnection() {
  cut_off();
  {
    const std::scoped_lock lock(mutex_);
    descriptor_ = -1;
  }
  amqp_destroy_connection(state_);
}

std::string AmqpConnection::where() const { return fmt::format("RabbitMQ at {}:{}", url_.host, url_.port); }

Result<void> AmqpConnection::prepare() {
  if (url_.tls) return prepare_tls();
  socket_ = amqp_tcp_socket_new(state_);
  return {};
}

Result<void> AmqpConnection::prepare_tls() {
  socket_ = amqp_ssl_socket_new(state_);
  if (socket_ == nullptr) return fail(ErrorCode::unavailable, "can't be used: TLS isn't available", "rabbitmq.url");
  amqp_ssl_socket_set_verify_peer(socket_, 1);
  if (amqp_ssl_socket_set_ssl_versions(socket_, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK) {
    return fail(ErrorCode::unavailable, "can't be used: there is no TLS 1.2", "rabbitmq.url");
  }
  if (!options_.ca.empty() && amqp_ssl_socket_set_cacert(socket_, options_.ca.c_str()) != AMQP_STATUS_OK) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is no file with certificates", options_.ca), "rabbitmq.ca");
  }
  const auto& [cert, key] = std::tie(options_.cert, options_.key);
  if (!cert.empty() && amqp_ssl_socket_set_key(socket_, cert.c_str(), key.c_str()) != AMQP_STATUS_OK) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" and rabbitmq.key are no certificate and its key", cert),
                "rabbitmq.cert");
  }
  return expect_host();
}

/// The library compares names alone; a certificate may as well be for an address.
Result<void> AmqpConnection::expect_host() {
  auto* const context = static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket_));
  if (options_.ca.empty() && SSL_CTX_set_default_verify_paths(context) != 1) {
    return fail(ErrorCode::unavailable, "is needed: the system has no list of authorities", "rabbitmq.ca");
  }
  amqp_ssl_socket_set_verify_hostname(socket_, 0);
  auto* const expected = SSL_CTX_get0_param(context);
  const bool set = is_address(url_.host) ? X509_VERIFY_PARAM_set1_ip_asc(expected, url_.host.c_str()) == 1
                                         : X509_VERIFY_PARAM_set1_host(expected, url_.host.c_str(), 0) == 1;
  return set ? Result<void>() : fail(ErrorCode::invalid, "has a host that no certificate can be for", "rabbitmq.url");
}

std::string AmqpConnection::open() {
  timeval timeout = kConnectTimeout;
  const int opened = amqp_socket_open_noblock(socket_, url_.host.c_str(), url_.port, &timeout);
  if (opened != AMQP_STATUS_OK) return fmt::format("no connection to {}: {}", where(), amqp_error_string2(opened));
  {
    const std::scoped_lock lock(mutex_);
    descriptor_ = amqp_get_sockfd(state_);
  }
  amqp_set_handshake_timeout(state_, &kReplyTimeout);
  amqp_set_rpc_timeout(state_, &kReplyTimeout);
  if (auto failure = log_in(); !failure.empty()) return failure;
  return open_channel();
}

std::string AmqpConnection::log_in() {
  amqp_table_entry_t capabilities[] = {entry("connection.blocked", true), entry("publisher_confirms", true)};
  amqp_table_entry_t properties[2] = {};
  properties[0].key = amqp_cstring_bytes("capabilities");
  properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[0].value.value.table = {.num_entries = 2, .entries = capabilities};
  properties[1].key = amqp_cstring_bytes("connection_name");
  properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[1].value.value.bytes = amqp_cstring_bytes("rollcall");
  const amqp_table_t table{.num_entries = 2, .entries = properties};
  const auto reply = amqp_login_with_properties(state_, url_.vhost.c_str(), 1, kFrameBytes, kHeartbeatSeconds, &table,
                                                AMQP_SASL_METHOD_PLAIN, url_.user.c_str(), url_.password.c_str());
  if (refuses_login(reply)) return fmt::format("{} refuses the user \"{}\" or its password", where(), url_.user);
  const auto failure = failure_of(reply);
  return failure.empty() ? failure : fmt::format("no connection to {}: {}", where(), failure);
}

std::string AmqpConnection::open_channel() {
  amqp_channel_open(state_, kChannel);
  auto failure = failure_of(amqp_get_rpc_reply(state_));
  if (failure.empty()) {
    amqp_exchange_declare(state_, kChannel, bytes_of(options_.exchange), amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                          amqp_empty_table);
    failure = failure_of(amqp_get_rpc_reply(state_));
  }
  if (failure.empty()) {
    amqp_confirm_select(state_, kChannel);
    failure = failure_of(amqp_get_rpc_reply(state_));
  }
  return failure.empty() ? failure : fmt::format("{} refuses: {}", where(), failure);
}

std::string AmqpConnection::send(const Message& message) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                      AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_APP_ID_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = kPersistent;
  properties.message_id = short_text(message.id);
  const auto at = std::chrono::floor<std::chrono::seconds>(message.at).time_since_epoch().count();
  properties.timestamp = static_cast<std::uint64_t>(std::max<std::int64_t>(0, at));
  properties.app_id = amqp_cstring_bytes("rollcall");
  const int sent = amqp_basic_publish(state_, kChannel, bytes_of(options_.exchange), short_text(message.routing_key), 0,
                                      0, &properties, bytes_of(message.body));
  if (sent == AMQP_STATUS_OK) return {};
  return fmt::format("the connection to {} broke: {}", where(), amqp_error_string2(sent));
}

std::string AmqpConnection::take_answers(std::chrono::milliseconds wait, Confirms& confirms) {
  timeval timeout = timeval_of(wait);
  for (;;) {
    amqp_frame_t frame{};
    const int got = amqp_simple_wait_frame_noblock(state_, &frame, &timeout);
    if (got == AMQP_STATUS_TIMEOUT) return {};
    if (got != AMQP_STATUS_OK) return fmt::format("the connection to {} broke: {}", where(), amqp_error_string2(got));
    auto failure = take(frame, confirms);
    amqp_maybe_release_buffers(state_);
    if (!failure.empty()) return failure;
    timeout = {};
  }
}

std::string AmqpConnection::take(const amqp_frame_t& frame, Confirms& confirms) {
  if (frame.frame_type != AMQP_FRAME_METHOD) return {};
  const auto& method = frame.payload.method;
  if (is_close(method)) return fmt::format("{} ended the connection: {}", where(), closed_by_broker(method));
  if (method.id == AMQP_BASIC_ACK_METHOD) {
    const auto* ack = static_cast<amqp_basic_ack_t*>(method.decoded);
    confirms.ack(ack->delivery_tag, ack->multiple != 0);
  } else if (method.id == AMQP_BASIC_NACK_METHOD) {
    const auto* nack = static_cast<amqp_basic_nack_t*>(method.decoded);
    confirms.nack(nack->delivery_tag, nack->multiple != 0);
  } else if (method.id == AMQP_CONNECTION_BLOCKED_METHOD) {
    const auto* notice = static_cast<amqp_connection_blocked_t*>(method.decoded);
    blocked_ = fmt::format("{} takes no messages: {}", where(), text_of(notice->reason));
  } else if (method.id == AMQP_CONNECTION_UNBLOCKED_METHOD) {
    blocked_.clear();
  }
  return {};
}

void AmqpConnection::close() { (void)amqp_connection_close(state_, AMQP_REPLY_SUCCESS); }

void AmqpConnection::cut_off() {
  const std::scoped_lock lock(mutex_);
  if (descriptor_ >= 0) ::shutdown(descriptor_, SHUT_RDWR);
}

}  // namespace rollcall
