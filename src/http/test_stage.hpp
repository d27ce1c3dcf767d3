#pragma once
// Of the tests of connections and servers: answers and bodies that wait while the test says what happens.
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "http/message.hpp"

namespace rollcall::http {

/// Given on one thread, waited for on another; each wait takes one.
class Signal {
 public:
  void give() {
    const std::scoped_lock lock(mutex_);
    ++given_;
    changed_.notify_one();
  }
  /// False when it doesn't come.
  [[nodiscard]] bool wait() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [this] { return given_ != 0; })) return false;
    --given_;
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int given_ = 0;
};

/// What a test lets happen while a request waits. All but the signals on the connection's thread.
struct Stage {
  std::vector<std::string> said;  ///< not yet told; "throw" does so
  bool over = false;
  Wake wake;
  int alive = 0;
  std::size_t pulled = 0;  ///< bytes of endless bodies
  Signal started, ended;
};

class StagedAnswer final : public HeldAnswer {
 public:
  explicit StagedAnswer(Stage& stage) : stage_(stage) { ++stage_.alive; }
  ~StagedAnswer() override {
    --stage_.alive;
    stage_.wake = nullptr;
    stage_.ended.give();
  }
  void start(Wake wake) override {
    stage_.wake = std::move(wake);
    stage_.started.give();
  }
  std::optional<Response> poll(Hurry hurry) override {
    if (hurry == Hurry::stopping) return json_response(200, "\"stopped\"");
    if (stage_.said.empty()) return std::nullopt;
    if (stage_.said.front() == "throw") throw std::runtime_error("oops");
    return json_response(200, std::exchange(stage_.said, {}).front());
  }

 private:
  Stage& stage_;
};

class StagedStream final : public BodyStream {
 public:
  enum class Kind : unsigned char {
    quiet,    ///< dry until something is said
    busy,     ///< the same, but wants to be asked again at once
    endless,  ///< always has more
  };

  StagedStream(Stage& stage, Kind kind) : stage_(stage), kind_(kind) { ++stage_.alive; }
  ~StagedStream() override {
    --stage_.alive;
    stage_.wake = nullptr;
    stage_.ended.give();
  }
  void start(Wake wake) override {
    stage_.wake = std::move(wake);
    stage_.started.give();
  }
  State pull(std::string& out, std::size_t room, Hurry hurry) override {
    if (kind_ == Kind::endless) {
      out.append(room, 'x');
      stage_.pulled += room;
      return State::more;
    }
    for (const auto& each : std::exchange(stage_.said, {})) {
      if (each == "throw") throw std::runtime_error("oops");
      out += each;
    }
    if (hurry == Hurry::stopping) out += "bye";
    if (hurry == Hurry::stopping || stage_.over) return State::ended;
    return kind_ == Kind::busy ? State::more : State::dry;
  }

 private:
  Stage& stage_;
  const Kind kind_;
};

inline Response streamed(Stage& stage, StagedStream::Kind kind) {
  Response response;
  response.content_type = "text/plain";
  response.stream = std::make_unique<StagedStream>(stage, kind);
  return response;
}

}  // namespace rollcall::http
