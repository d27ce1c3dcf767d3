#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace rollcall::sim {

/// What happened, in order: a hash of all of it, and the last lines for a report.
class Trace {
 public:
  explicit Trace(bool print) : print_(print) {}

  template <class... Args>
  void line(MonoTime now, fmt::format_string<Args...> format, Args&&... args) {
    add(now, fmt::format(format, std::forward<Args>(args)...));
  }

  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] const std::deque<std::string>& last_lines() const noexcept { return lines_; }

 private:
  void add(MonoTime now, std::string_view text);

  static constexpr std::size_t kKept = 120;
  bool print_;
  std::uint64_t hash_ = 0xCBF29CE484222325ULL;
  std::deque<std::string> lines_;
};

/// The first invariant found broken ends the run. Not an exception: those would pass through the code under test.
class Verdict {
 public:
  struct Broken {
    std::string invariant;
    std::string detail;
  };

  template <class... Args>
  void broken(std::string_view invariant, fmt::format_string<Args...> format, Args&&... args) {
    if (!broken_) broken_ = Broken{std::string(invariant), fmt::format(format, std::forward<Args>(args)...)};
  }
  [[nodiscard]] bool ok() const noexcept { return !broken_; }
  [[nodiscard]] const std::optional<Broken>& what() const noexcept { return broken_; }

 private:
  std::optional<Broken> broken_;
};

}  // namespace rollcall::sim
