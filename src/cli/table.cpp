#include "cli/table.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace rollcall::cli {
namespace {

struct Colour {
  std::string_view status;
  std::string_view code;
};
constexpr Colour kColours[] = {{"passing", "32"}, {"warning", "33"}, {"critical", "31"}, {"maintenance", "36"}};

/// Columns on the terminal, near enough: continuation bytes of UTF-8 take none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

bool wants_colours() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (refused != nullptr && *refused != '\0') return false;
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return false;
  return isatty(STDOUT_FILENO) == 1;
}

std::string coloured_status(std::string_view status, bool colours) {
  const auto* found = std::ranges::find(kColours, status, &Colour::status);
  if (!colours || found == std::end(kColours)) return std::string(status);
  return fmt::format("\033[{}m{}\033[0m", found->code, status);
}

std::string printable(std::string_view text) {
  std::string out;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", code);
    } else {
      out += byte;
    }
  }
  return out;
}

void Table::add(std::vector<std::string> row) {
  row.resize(rows_.front().size());
  for (auto& cell : row) cell = cell.empty() ? "-" : printable(cell);
  rows_.push_back(std::move(row));
}

std::string Table::text(bool colours) const {
  const auto& header = rows_.front();
  std::vector<std::size_t> widths(header.size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      out += coloured_status(row[i], colours && header[i] == "STATUS" && &row != &header);
      if (!last) out.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace rollcall::cli
