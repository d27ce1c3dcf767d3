#include "fresh_reads.hpp"

#include "process.hpp"

namespace rollcall::sim {
namespace {

using namespace std::chrono_literals;

/// From a question to its answer when nothing is wrong.
constexpr Duration kPatience = 4s;

}  // namespace

void FreshReads::ask(Node& node) {
  if (!node.serves()) return;
  const auto serial = ++last_serial_;
  asked_.emplace(serial, Asked{&node, log_.last(), world_.now(), world_.excused()});
  node.process->registry().catch_up([this, &node, serial](const Result<void>& result) {
    if (node.lives) answered(serial, result);
  });
}

void FreshReads::close(Node& node) {
  std::erase_if(asked_, [&](const auto& asked) { return asked.second.node == &node; });
}

void FreshReads::answered(std::uint64_t serial, const Result<void>& result) {
  const auto found = asked_.find(serial);
  if (found == asked_.end()) return world_.verdict.broken("a question is answered once", "?{}", serial);
  const Asked asked = found->second;
  asked_.erase(found);
  if (!result && !world_.store_failed_lately()) {
    world_.verdict.broken("errors have causes", "?{}: {} without a fault", serial, result.error().message);
  }
  const Revision here = asked.node->process->catalog().revision();
  if (result && here < asked.log) {
    world_.verdict.broken("who has caught up has what the log held", "{} is at {}, the log was at {}", asked.node->name,
                          here.value, asked.log.value);
  }
}

void FreshReads::check(Node& node) {
  for (const auto& [serial, asked] : asked_) {
    const Duration waited = world_.now() - asked.at - (world_.excused() - asked.excused_then);
    if (waited > kPatience) world_.verdict.broken("every question is answered in time", "?{}", serial);
  }
  if (!node.serves()) return;
  const MonoTime as_of = world_.now() - node.process->registry().lag();
  for (const auto& event : log_.after(node.process->catalog().revision())) {
    if (log_.durable_at(event->revision) > as_of) continue;
    world_.verdict.broken("a node isn't further behind than it says", "{} lacks {} of {:.3f} s before", node.name,
                          event->revision.value,
                          std::chrono::duration<double>(as_of - log_.durable_at(event->revision)).count());
  }
}

}  // namespace rollcall::sim
