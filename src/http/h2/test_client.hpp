#pragma once
// An HTTP/2 client for tests, of nghttp2's other half.
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::http::h2 {

using FieldList = std::vector<std::pair<std::string, std::string>>;

struct Reply {
  std::map<std::string, std::string> fields;
  std::string body;
  int informational = 0;
  bool ended = false;
  std::optional<std::uint32_t> closed;  ///< with this error code

  [[nodiscard]] std::string status() const { return fields.contains(":status") ? fields.at(":status") : ""; }
};

class TestClient {
 public:
  explicit TestClient(std::int32_t window = NGHTTP2_INITIAL_WINDOW_SIZE, bool reads = true) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* options = nullptr;
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, reads ? 0 : 1);
    nghttp2_session_client_new2(&session_, callbacks, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  }
  ~TestClient() { nghttp2_session_del(session_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  static FieldList request(std::string method, std::string path) {
    return {
        {":method", std::move(method)}, {":scheme", "http"}, {":authority", "localhost"}, {":path", std::move(path)}};
  }

  std::int32_t get(std::string path) { return send(request("GET", std::move(path))); }

  /// Without a body, the stream ends with the header.
  std::int32_t send(const FieldList& fields, std::optional<std::string> body = std::nullopt, bool whole = true) {
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
      list.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    nghttp2_data_provider provider{.source = {.ptr = this}, .read_callback = read_body};
    const auto id =
        nghttp2_submit_request(session_, nullptr, list.data(), list.size(), body ? &provider : nullptr, nullptr);
    if (body) bodies_[id] = {*std::move(body), whole};
    return id;
  }

  void reset(std::int32_t id) { nghttp2_submit_rst_stream(session_, 0, id, NGHTTP2_CANCEL); }
  /// Of the whole connection: lets the server send so much ahead.
  void widen(std::int32_t bytes) { nghttp2_session_set_local_window_size(session_, 0, 0, bytes); }
  void ping() { nghttp2_submit_ping(session_, 0, nullptr); }
  /// Of one who doesn't read by itself: lets the server send so much more.
  void take(std::int32_t id, std::size_t bytes) { nghttp2_session_consume(session_, id, bytes); }

  std::string output() {
    std::string all;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_, &bytes)) > 0;) {
      all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return all;
  }

  void receive(std::string_view bytes) {
    failed = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) < 0;
  }

  Reply& reply(std::int32_t id) { return replies_[id]; }

  std::optional<std::uint32_t> goaway;
  bool failed = false;

 private:
  struct Sent {
    std::string rest;
    bool whole;
  };

  static std::uint8_t* bytes_of(const std::string& text) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
  }
  static TestClient& self(void* data) { return *static_cast<TestClient*>(data); }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    self(data).replies_[frame->hd.stream_id].fields[{reinterpret_cast<const char*>(name), name_size}] = {
        reinterpret_cast<const char*>(value), value_size};
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t size,
                     void* data) {
    self(data).replies_[id].body.append(reinterpret_cast<const char*>(bytes), size);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (frame->hd.type == NGHTTP2_GOAWAY) self(data).goaway = frame->goaway.error_code;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    auto& reply = self(data).replies_[frame->hd.stream_id];
    if (frame->hd.type == NGHTTP2_HEADERS && reply.status() == "100") ++reply.informational;
    reply.ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* data) {
    self(data).replies_[id].closed = error;
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* room, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* data) {
    auto& [rest, whole] = self(data).bodies_[id];
    const auto bytes = std::min(size, rest.size());
    std::copy_n(rest.begin(), bytes, room);
    rest.erase(0, bytes);
    if (rest.empty() && whole) *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (bytes == 0 && !whole) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(bytes);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Reply> replies_;
  std::map<std::int32_t, Sent> bodies_;
};

}  // namespace rollcall::http::h2
