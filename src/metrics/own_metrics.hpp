#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall {

/// The daemon's own figures, collected for one scrape and written in Prometheus' text format.
class OwnMetrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  /// Of the text that text() gives.
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  OwnMetrics();
  ~OwnMetrics();
  OwnMetrics(const OwnMetrics&) = delete;
  OwnMetrics& operator=(const OwnMetrics&) = delete;

  /// Names get the prefix `rollcall_`. The same name again adds another set of labels to it.
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});

  /// Resident bytes of this process, open descriptors; under the names that Prometheus' own clients use.
  void add_process();

  [[nodiscard]] std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rollcall
