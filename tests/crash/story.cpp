#include "crash/story.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/values.hpp"

namespace rollcall::testing {
namespace {

constexpr int kRounds = 14;
constexpr int kTries = 5;

WallTime time_of(int round) { return kNoon + std::chrono::minutes(round); }

}  // namespace

Result<void> Story::open() {
  auto store = open_sqlite_store(options_);
  if (!store) return std::unexpected(store.error());
  store_ = std::move(*store);
  const auto snapshot = store_->snapshot();
  if (!snapshot) return std::unexpected(snapshot.error());
  generation_ = snapshot->generation;
  return {};
}

Story::Newest Story::newest() const {
  Newest newest;
  for (const auto& event : log_) newest[event->instance->id.str()] = event;
  return newest;
}

/// Something new; something changed, something removed, something registered again, where there is something.
ChangeBatch Story::batch_of(int round) const {
  ChangeBatch made{last(), {}};
  const auto at = time_of(round);
  made.changes.push_back(registering(full_instance("i" + std::to_string(round)), at));
  std::size_t living = 0;
  for (const auto& [id, event] : newest()) {
    if (event->kind == EventKind::removed) {
      if (round % 4 == 1 && at - event->at < std::chrono::minutes(3)) {
        Instance again = *event->instance;
        again.created = {};
        made.changes.push_back(registering(std::move(again), at));
        break;
      }
      continue;
    }
    ++living;
    if (living == 1 && round % 3 == 0) made.changes.push_back(following(EventKind::removed, *event->instance, at));
    if (living == 2) made.changes.push_back(following(EventKind::updated, *event->instance, at));
  }
  return made;
}

Result<void> Story::commit(int round) {
  const ChangeBatch made = batch_of(round);
  doubtful_ = made.changes;
  auto result = store_->commit(made);
  if (!result) return std::unexpected(std::move(result.error()));
  doubtful_.clear();
  log_.insert(log_.end(), result->events.begin(), result->events.end());
  return {};
}

Result<void> Story::side_work(int round) {
  if (round % 3 == 2) {
    std::vector<LeaseMark> marks;
    for (const auto& [id, event] : newest()) {
      marks.push_back({event->instance->number, std::chrono::milliseconds(round)});
    }
    marks_doubtful_ = true;
    if (auto saved = store_->save_leases({.now = std::chrono::seconds(round), .marks = marks, .term = {}}); !saved)
      return saved;
    marks_doubtful_ = false;
    lease_clock_ = std::chrono::seconds(round);
  }
  if (round % 5 == 4) {
    if (auto pruned = store_->prune(time_of(round)); !pruned) return std::unexpected(pruned.error());
  }
  return {};
}

void Story::live_until_failure() {
  if (!open()) return;
  for (int round = 0; round < kRounds; ++round) {
    if (!commit(round) || !side_work(round)) return;
    if (round == kRounds / 2) {
      close();
      if (!open()) return;
    }
  }
}

std::optional<std::string> Story::settle(const Error& error) {
  ++failures_;
  if (error.code != ErrorCode::unavailable && error.code != ErrorCode::unknown_outcome) {
    return fmt::format("a commit failed with {}: {}", name_of(error.code), error.message);
  }
  for (int tries = 0; tries < kTries; ++tries) {
    const auto found = store_->read(last(), 100);
    if (!found) continue;
    if (error.code == ErrorCode::unavailable && !found->empty()) return "it was said to be surely not done, and was";
    auto wrong = take_doubtful(*found);
    doubtful_.clear();
    return wrong;
  }
  return "reading didn't succeed after a failure";
}

std::optional<std::string> Story::commit_through(int round) {
  for (int tries = 0; tries < kTries; ++tries) {
    const Revision before = last();
    const auto done = commit(round);
    if (done) return std::nullopt;
    if (auto wrong = settle(done.error())) return wrong;
    if (last() != before) return std::nullopt;
  }
  return "commits went on failing after the fault";
}

std::optional<std::string> Story::live_through_failures() {
  const auto open_at_last = [&] {
    for (int tries = 0; tries < kTries; ++tries) {
      if (open()) return true;
      ++failures_;
    }
    return false;
  };
  if (!open_at_last()) return "it didn't open after the fault";
  for (int round = 0; round < kRounds; ++round) {
    if (auto wrong = commit_through(round)) return wrong;
    if (!side_work(round)) ++failures_;
    if (round == kRounds / 2) {
      close();
      if (!open_at_last()) return "it didn't open after the fault";
    }
  }
  return std::nullopt;
}

/// Nothing, or the whole doubtful batch.
std::optional<std::string> Story::take_doubtful(const std::vector<EventPtr>& found) {
  if (found.empty()) return std::nullopt;
  if (found.size() != doubtful_.size()) {
    return fmt::format("{} events were found where {} had been tried", found.size(), doubtful_.size());
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const bool matches = found[i]->instance->id == doubtful_[i].instance.id && found[i]->kind == doubtful_[i].kind &&
                         found[i]->revision.value == last().value + 1;
    if (!matches) return fmt::format("event {} isn't what was tried", found[i]->revision.value);
    log_.push_back(found[i]);
  }
  return std::nullopt;
}

std::optional<std::string> Story::compare_state(const Snapshot& snapshot) const {
  Newest expected = newest();
  for (const auto& instance : snapshot.instances) {
    const auto found = expected.find(instance->id.str());
    if (found == expected.end() || !same(*found->second->instance, *instance)) {
      return "the snapshot has another " + instance->id.str();
    }
    if (found->second->kind == EventKind::removed) return "the snapshot revives " + instance->id.str();
    expected.erase(found);
  }
  for (const auto& [id, event] : expected) {
    if (event->kind != EventKind::removed) return "the snapshot lacks " + id;
  }
  return std::nullopt;
}

std::optional<std::string> Story::compare() {
  const auto snapshot = store_->snapshot();
  if (!snapshot) return "no snapshot: " + snapshot.error().message;
  const Revision compacted{store_->health().oldest.value - 1};
  const auto found = store_->read(compacted, 1'000);
  if (!found) return "no events: " + found.error().message;
  std::vector<EventPtr> beyond;
  Revision expected = compacted;
  for (const auto& event : *found) {
    if (event->revision.value != ++expected.value) {
      return fmt::format("the log has a hole before {}", event->revision.value);
    }
    if (event->revision > last()) {
      beyond.push_back(event);
    } else if (!same(*event, *log_[event->revision.value - 1])) {
      return fmt::format("event {} is another", event->revision.value);
    }
  }
  if (std::max(expected, snapshot->revision) < last()) {
    return fmt::format("acknowledged events are missing after {} of {}", snapshot->revision.value, last().value);
  }
  if (auto wrong = take_doubtful(beyond)) return wrong;
  if (snapshot->revision != last()) return fmt::format("the snapshot is as of {}", snapshot->revision.value);
  return compare_state(*snapshot);
}

std::optional<std::string> Story::violation() {
  const Generation before = generation_;
  if (auto opened = open(); !opened) return "it doesn't open: " + opened.error().message;
  if (before && before != generation_) return "it has another generation";
  const auto marks = store_->load_leases();
  if (!marks) return "no lease marks: " + marks.error().message;
  if (!marks_doubtful_ && marks->now != lease_clock_) return "acknowledged lease marks are missing";
  if (auto wrong = compare()) return wrong;
  doubtful_.clear();
  if (auto done = commit(kRounds); !done) return "it takes no more commits: " + done.error().message;
  close();
  if (auto opened = open(); !opened) return "it doesn't open a second time: " + opened.error().message;
  return compare();
}

}  // namespace rollcall::testing
