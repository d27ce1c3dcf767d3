#include "http/h2/stream.hpp"

namespace rollcall::http::h2 {
namespace {

// What a stream that is kept for later requests may hold on to.
constexpr std::size_t kKeptBytes = 4 * 1024;

void let_go(std::string& text) {
  if (text.capacity() > kKeptBytes) text = std::string();
  text.clear();
}

}  // namespace

void Inbound::clear() {
  request.method = Method::other;
  for (auto* view : request.head()) *view = {};
  request.body = request.peer_address = {};
  texts.clear();
  let_go(body);
  refusal.reset();
  header_bytes = discarded_bytes = 0;
  expects_continue = header_whole = whole = given_up = false;
}

void Outbound::clear() {
  held = nullptr;
  response = Response{};
  let_go(streamed);
  piece = sent_of_piece = left = 0;
  counted.reset();
  submitted = sent = dry = deferred = ended = false;
}

}  // namespace rollcall::http::h2
