#include "agent/node_book.hpp"

#include <utility>

namespace rollcall {

void NodeBook::list(std::vector<AgentReport::Task> running) {
  running_.clear();
  for (auto& task : running) {
    auto container = task.container;
    running_.insert_or_assign(std::move(container), std::move(task));
  }
  complete_ = true;
}

void NodeBook::happened(AgentReport::Task task, bool runs) {
  if (runs) {
    auto& known = running_[task.container];
    if (task.health == ContainerHealth::none) task.health = known.health;  // only some events tell of it
    known = task;
    known.action.clear();
  } else {
    running_.erase(task.container);
    samples_.erase(task.task);
  }
  news_.push_back(std::move(task));
  if (news_.size() <= kMostNews) return;
  news_.clear();
  complete_ = true;
}

void NodeBook::sampled(const std::string& task, const UsageSample& usage) { samples_[task] = usage; }

AgentReport NodeBook::take() {
  AgentReport report{.complete = std::exchange(complete_, false), .tasks = std::exchange(news_, {}), .samples = {}};
  if (report.complete) {
    auto all = running();
    report.tasks.insert(report.tasks.end(), std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
  }
  while (!samples_.empty() && report.samples.size() < kMostSamples) {
    auto sample = samples_.extract(samples_.begin());
    report.samples.push_back({std::move(sample.key()), sample.mapped()});
  }
  hurries_ = hurries_ && !samples_.empty();
  return report;
}

void NodeBook::lost() { complete_ = true; }

std::vector<AgentReport::Task> NodeBook::running() const {
  std::vector<AgentReport::Task> tasks;
  for (const auto& [container, task] : running_) tasks.push_back(task);
  return tasks;
}

}  // namespace rollcall
