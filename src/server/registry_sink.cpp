#include "server/registry_sink.hpp"

#include <atomic>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"

namespace rollcall {
namespace {

constexpr auto kAgain = std::chrono::seconds(1);
constexpr std::string_view kNobody = "no provider's";

bool may_succeed_later(ErrorCode code) {
  return code == ErrorCode::overloaded || code == ErrorCode::unavailable || code == ErrorCode::unknown_outcome ||
         code == ErrorCode::timeout;
}

}  // namespace

/// What has been said and isn't written yet. Of one instance one command is under way at a time: a refused one may be
/// judged again later than its successor. On the registry's executor alone, where answers come as well; close() and
/// what posts are for any thread.
class RegistrySink::Words : public std::enable_shared_from_this<Words> {
 public:
  Words(const Parts& parts, Source source) : parts_(parts), source_(source) {}

  void seen(Observe observe) {
    post([this, observe = std::move(observe)]() mutable {
      const auto id = observe.id;
      auto& word = unwritten_[id];
      word.seen = std::move(observe);
      word.is_new = true;
      write(id);
    });
  }

  void gone(Deregister deregister) {
    post([this, deregister = std::move(deregister)]() mutable {
      const auto id = deregister.id;
      auto& word = unwritten_[id];
      word.gone = std::move(deregister);
      word.seen.reset();
      word.is_new = true;
      write(id);
    });
  }

  /// The registry answers in order: what it says of an instance that isn't there comes after all before.
  void after_all_said(std::function<void()> done) {
    post([this, done = std::move(done)] {
      parts_.registry.submit(Deregister{InstanceId(kNobody), Session(), source_, {}},
                             [done](const Result<Outcome>&) { done(); });
    });
  }

  void forget() {
    post([this] { unwritten_.clear(); });
  }
  void close() { closed_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] Source source() const noexcept { return source_; }

 private:
  /// An end comes before what is seen: the id may go by another service's name from then on.
  struct Word {
    std::optional<Deregister> gone{};
    std::optional<Observe> seen{};
    std::uint64_t under_way = 0;  ///< its serial; 0: nothing is
    bool is_new = false;          ///< there is something newer than what is under way or was refused
    bool complained = false;
  };

  void post(Task task) {
    parts_.registry_thread.post([self = shared_from_this(), task = std::move(task)]() mutable {
      if (!self->closed_.load(std::memory_order_relaxed)) task();
    });
  }

  /// Its answer may come at once.
  void write(const InstanceId& id) {
    auto& word = unwritten_.at(id);
    if (word.under_way != 0) return;
    word.is_new = false;
    const bool ends = word.gone.has_value();
    const auto serial = word.under_way = ++last_;
    parts_.registry.submit(ends ? Command(*word.gone) : Command(*word.seen),
                           [weak = weak_from_this(), id, serial, ends](const Result<Outcome>& outcome) {
                             const auto self = weak.lock();
                             if (self) self->answered(id, serial, ends, outcome);
                           });
  }

  void answered(const InstanceId& id, std::uint64_t serial, bool ended, const Result<Outcome>& outcome) {
    const auto found = unwritten_.find(id);
    if (found == unwritten_.end() || found->second.under_way != serial) return;
    auto& word = found->second;
    word.under_way = 0;
    if (!outcome && may_succeed_later(outcome.error().code)) {
      complain(id, word, outcome.error());
      return word.is_new ? write(id) : write_again_later();
    }
    if (!outcome && outcome.error().code != ErrorCode::not_found) complain(id, word, outcome.error());
    word.complained = false;
    if (ended) {
      word.gone.reset();
    } else if (!word.is_new) {
      word.seen.reset();
    }
    if (word.gone || word.seen) return write(id);
    unwritten_.erase(found);
  }

  static void complain(const InstanceId& id, Word& word, const Error& error) {
    if (std::exchange(word.complained, true)) return;
    log::warning("discovery", "{} could not be written: {}", id.view(), error.message);
  }

  void write_again_later() {
    if (std::exchange(waits_, true)) return;
    parts_.registry_thread.post_at(parts_.clock.now() + kAgain, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->closed_.load(std::memory_order_relaxed)) self->write_again();
    });
  }

  void write_again() {
    waits_ = false;
    std::vector<InstanceId> refused;
    for (const auto& [id, word] : unwritten_) {
      if (word.under_way == 0) refused.push_back(id);
    }
    for (const auto& id : refused) write(id);
  }

  const Parts parts_;
  const Source source_;
  std::atomic<bool> closed_{false};
  std::unordered_map<InstanceId, Word> unwritten_;
  std::uint64_t last_ = 0;
  bool waits_ = false;  // for kAgain
};

RegistrySink::RegistrySink(const Parts& parts, Source source, std::string suffix)
    : samples_(parts.samples), suffix_(std::move(suffix)), words_(std::make_shared<Words>(parts, source)) {}

RegistrySink::~RegistrySink() { words_->close(); }

void RegistrySink::seen(Sighting sighting) {
  words_->seen(Observe{ours(std::move(sighting.id)), std::move(sighting.spec), sighting.health, words_->source(),
                       std::move(sighting.cause)});
}

void RegistrySink::gone(InstanceId id, Cause cause) {
  id = ours(std::move(id));
  samples_.erase(id);
  words_->gone(Deregister{std::move(id), Session(), words_->source(), std::move(cause)});
}

void RegistrySink::sampled(const InstanceId& id, const Sample& sample) { samples_.put(ours(id), sample); }

void RegistrySink::after_all_said(std::function<void()> done) { words_->after_all_said(std::move(done)); }

void RegistrySink::forget() { words_->forget(); }

}  // namespace rollcall
