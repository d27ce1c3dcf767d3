#include "discovery/docker/sample_orders.hpp"

#include <algorithm>

namespace rollcall::docker {

void SampleOrders::add(const std::vector<Task>& tasks, MonoTime until, Done done) {
  if (tasks.empty()) return done(false);
  auto& order = orders_.emplace_back(Order{.awaited = {}, .until = until, .done = std::move(done)});
  for (const auto& task : tasks) {
    order.awaited.insert(task.id);
    untold_[task.node].insert(task.id);
  }
}

std::vector<std::string> SampleOrders::take(const std::string& node) {
  const auto untold = untold_.extract(node);
  if (!untold) return {};
  return {untold.mapped().begin(), untold.mapped().end()};
}

bool SampleOrders::is_untold(const std::string& task) const {
  return std::ranges::any_of(untold_, [&](const auto& node) { return node.second.contains(task); });
}

void SampleOrders::settle(const std::string& task, bool sampled) {
  if (orders_.empty() || is_untold(task)) return;
  for (auto next = orders_.begin(); next != orders_.end();) {
    const auto order = next++;
    if (order->awaited.erase(task) == 0) continue;
    order->any = order->any || sampled;
    if (!order->awaited.empty()) continue;
    order->done(order->any);
    orders_.erase(order);
  }
}

void SampleOrders::end_overdue(MonoTime now) {
  for (auto next = orders_.begin(); next != orders_.end();) {
    const auto order = next++;
    if (order->until > now) continue;
    order->done(order->any);
    orders_.erase(order);
  }
  if (orders_.empty()) untold_.clear();
}

}  // namespace rollcall::docker
