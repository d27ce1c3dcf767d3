#pragma once
#include <map>
#include <string>
#include <vector>

#include "model/agent_report.hpp"

namespace rollcall {

/// The tasks of a node, and what the server hasn't been told of them. Not for several threads.
class NodeBook {
 public:
  /// These run, and no others. The server is to be told all of them.
  void list(std::vector<AgentReport::Task> running);
  /// Something has happened to a task; `runs`: it runs afterwards.
  void happened(AgentReport::Task task, bool runs);
  /// Only the newest of a task is told.
  void sampled(const std::string& task, const UsageSample& usage);

  /// Somebody waits for the samples that there are.
  void hurry() noexcept { hurries_ = !samples_.empty(); }

  /// Samples can wait until there is something else to tell, unless they are to hurry.
  [[nodiscard]] bool has_news() const noexcept { return complete_ || hurries_ || !news_.empty(); }
  /// What is to be told now: at most kMostSamples samples, the others with the next.
  [[nodiscard]] AgentReport take();
  /// What was taken hasn't arrived: everything that runs is to be told again. Samples are lost.
  void lost();

  [[nodiscard]] std::vector<AgentReport::Task> running() const;

  static constexpr std::size_t kMostNews = 1'000;  ///< beyond it, all that runs is told in their place
  static constexpr std::size_t kMostSamples = 1'000;

 private:
  std::map<std::string, AgentReport::Task> running_;  // by container
  std::vector<AgentReport::Task> news_;
  std::map<std::string, UsageSample> samples_;  // by task
  bool complete_ = false;
  bool hurries_ = false;
};

}  // namespace rollcall
