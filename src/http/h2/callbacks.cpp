#include "http/h2/callbacks.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "base/log.hpp"
#include "http/h2/request_fields.hpp"

namespace rollcall::http::h2 {
namespace {

// The frame's header, as nghttp2 gives it to send_data (RFC 9113, 4.1).
constexpr std::size_t kFrameHeaderBytes = 9;

/// Nothing may be thrown through C.
template <class Do>
ssize_t guarded(ssize_t on_failure, Do&& act) noexcept {
  try {
    return act();
  } catch (const std::exception& error) {
    log::error("http", "HTTP/2 met a defect: {}", error.what());
  } catch (...) {
    log::error("http", "HTTP/2 met a defect");
  }
  return on_failure;
}

Connection& connection_of(void* data) noexcept { return *static_cast<Connection*>(data); }

Stream* stream_of(nghttp2_session* session, std::int32_t id) noexcept {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, id));
}

bool begins_request(const nghttp2_frame* frame) noexcept {
  return frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST;
}

bool ends_stream(const nghttp2_frame* frame) noexcept { return (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0; }

}  // namespace

struct Callbacks {
  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* data) noexcept {
    if (!begins_request(frame)) return 0;
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto& stream = connection_of(data).open_stream(frame->hd.stream_id);
      return nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, &stream);
    }));
  }

  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                       std::uint8_t, void* data) noexcept {
    if (!begins_request(frame)) return 0;  // a trailer changes nothing
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto* stream = stream_of(session, frame->hd.stream_id);
      if (stream != nullptr) take_field(stream->in, name, value, connection_of(data).limits_);
      return 0;
    }));
  }

  // Malformed (RFC 9113, 8.2.1): the stream ends.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*, std::uint8_t,
                               void*) noexcept {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* data) noexcept {
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto& connection = connection_of(data);
      if (frame->hd.type == NGHTTP2_RST_STREAM) connection.count_reset();
      if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
      auto* stream = stream_of(session, frame->hd.stream_id);
      if (stream == nullptr) return 0;
      if (begins_request(frame)) check_fields(stream->in);
      if (ends_stream(frame)) {
        connection.request_done(*stream);
      } else if (begins_request(frame)) {
        connection.request_header_done(*stream);
      }
      return 0;
    }));
  }

  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void* data) noexcept {
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto* stream = stream_of(session, id);
      if (stream != nullptr) connection_of(data).request_body(*stream, {reinterpret_cast<const char*>(bytes), size});
      return 0;
    }));
  }

  static int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* data) noexcept {
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto& connection = connection_of(data);
      const auto type = frame->hd.type;
      // What made us end a stream is as cheap for the peer as ending it itself.
      if (type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) connection.count_reset();
      if (type == NGHTTP2_DATA) ++connection.data_frames_sent_;
      if ((type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) || !ends_stream(frame)) return 0;
      if (auto* stream = stream_of(session, frame->hd.stream_id)) connection.answer_sent(*stream);
      return 0;
    }));
  }

  static int on_stream_close(nghttp2_session* session, std::int32_t id, std::uint32_t, void* data) noexcept {
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      if (auto* stream = stream_of(session, id)) connection_of(data).close_stream(*stream);
      return 0;
    }));
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t room, std::uint32_t* flags,
                           nghttp2_data_source* source, void* data) noexcept {
    // A body that fails takes its stream along, not the others.
    return guarded(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE, [&]() -> ssize_t {
      auto& stream = *static_cast<Stream*>(source->ptr);
      auto& out = stream.out;
      const auto bytes = connection_of(data).next_body_bytes(stream, room);
      if (bytes == 0 && !out.ended) {
        out.deferred = true;
        return NGHTTP2_ERR_DEFERRED;
      }
      *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
      if (out.ended && bytes == out.left) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(bytes);
    });
  }

  static int send_body(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header, std::size_t bytes,
                       nghttp2_data_source* source, void* data) noexcept {
    return static_cast<int>(guarded(NGHTTP2_ERR_CALLBACK_FAILURE, [&] {
      auto& connection = connection_of(data);
      if (connection.output_is_full()) return static_cast<int>(NGHTTP2_ERR_WOULDBLOCK);
      connection.output_.append(reinterpret_cast<const char*>(header), kFrameHeaderBytes);
      connection.append_body(*static_cast<Stream*>(source->ptr), bytes);
      return 0;
    }));
  }
};

namespace {

nghttp2_session_callbacks* make_callbacks() {
  nghttp2_session_callbacks* callbacks = nullptr;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, Callbacks::on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback2(callbacks, Callbacks::on_header);
  nghttp2_session_callbacks_set_on_invalid_header_callback2(callbacks, Callbacks::on_invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, Callbacks::on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, Callbacks::on_frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_stream_close);
  nghttp2_session_callbacks_set_send_data_callback(callbacks, Callbacks::send_body);
  return callbacks;
}

nghttp2_option* make_options() {
  nghttp2_option* options = nullptr;
  if (nghttp2_option_new(&options) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_closed_streams(options, 1);
  // Connection counts resets, also those that a peer provokes, and says ENHANCE_YOUR_CALM.
  nghttp2_option_set_stream_reset_rate_limit(options, UINT64_MAX, UINT64_MAX);
  // Acknowledgements that a peer makes us write and doesn't read; nghttp2's own bound, said here to be seen.
  constexpr std::size_t kUnreadAcknowledgements = 1000;
  nghttp2_option_set_max_outbound_ack(options, kUnreadAcknowledgements);
  return options;
}

void introduce(nghttp2_session* session, const HttpLimits& limits) {
  const auto window = static_cast<std::int32_t>(std::min<std::size_t>(limits.h2_window_bytes, NGHTTP2_MAX_WINDOW_SIZE));
  const std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, static_cast<std::uint32_t>(limits.h2_streams)},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(window)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.header_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0)
    throw std::bad_alloc();
  // Widening is all that RFC 9113 (6.9.2) has for the connection's own.
  if (window <= NGHTTP2_INITIAL_CONNECTION_WINDOW_SIZE) return;
  if (nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, window) != 0) throw std::bad_alloc();
}

}  // namespace

nghttp2_session* make_session(Connection& connection, const HttpLimits& limits) {
  static const auto* const callbacks = make_callbacks();
  static const auto* const options = make_options();
  nghttp2_session* session = nullptr;
  if (nghttp2_session_server_new2(&session, callbacks, &connection, options) != 0) throw std::bad_alloc();
  introduce(session, limits);
  return session;
}

nghttp2_data_provider body_of(Stream& stream) noexcept {
  return {.source = {.ptr = &stream}, .read_callback = Callbacks::read_body};
}

}  // namespace rollcall::http::h2
