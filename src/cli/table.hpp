#pragma once
// Columns for people.
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::cli {

/// Whether standard output is a terminal that wants colours (https://no-color.org).
[[nodiscard]] bool wants_colours();

/// The word of a status, in its colour if `colours`.
[[nodiscard]] std::string coloured_status(std::string_view status, bool colours);

/// One line's worth of a text that others wrote: control characters can't reach the terminal.
[[nodiscard]] std::string printable(std::string_view text);

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}

  void add(std::vector<std::string> row);

  /// Aligned, two spaces between the columns; the column named STATUS is coloured if `colours`.
  [[nodiscard]] std::string text(bool colours) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace rollcall::cli
