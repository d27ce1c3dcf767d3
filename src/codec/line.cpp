#include "codec/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "codec/fields.hpp"
#include "model/validate.hpp"

namespace rollcall::codec {
namespace {

constexpr std::string_view kHeartbeat = "heartbeat ";
constexpr std::string_view kGrace = "grace=";
constexpr std::string_view kBlanks = " \t";

/// One more than the longest command has.
constexpr std::size_t kWordsMost = 7;
struct Words {
  std::array<std::string_view, kWordsMost> word;
  std::size_t count = 0;

  [[nodiscard]] std::span<const std::string_view> arguments() const noexcept {
    return std::span(word).subspan(1, count - 1);
  }
};

Words split(std::string_view line) {
  Words words;
  while (words.count < kWordsMost) {
    const auto begin = line.find_first_not_of(kBlanks);
    if (begin == line.npos) break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(kBlanks), line.size());
    words.word[words.count++] = line.substr(0, end);
    line.remove_prefix(end);
  }
  return words;
}

using Arguments = std::span<const std::string_view>;

std::unexpected<Error> wrong_form(std::string_view form) {
  return fail(ErrorCode::invalid, fmt::format("the form is: {}", form), "line");
}

/// What follows the port: `bound`, and after it `grace=SECONDS`.
Result<std::optional<std::chrono::milliseconds>> bound_words(Arguments words, std::string_view form) {
  if (words.empty()) return std::nullopt;
  if (words.front() != "bound" || words.size() > 2) return wrong_form(form);
  if (words.size() == 1) return std::chrono::milliseconds{0};
  if (!words[1].starts_with(kGrace)) return wrong_form(form);
  auto grace = parse_duration(words[1].substr(kGrace.size()), "grace");
  if (!grace) return std::unexpected(std::move(grace.error()));
  return *grace;
}

Result<SocketCommand> register_words(Arguments words, const ModelLimits& limits) {
  constexpr std::string_view kForm = "register TYPE IP PORT [bound [grace=SECONDS]]";
  if (words.size() < 3) return wrong_form(kForm);
  if (auto ok = validate_name(words[0], "type", limits); !ok) return std::unexpected(std::move(ok.error()));
  auto port = parse_port(words[2], "port");
  if (!port) return std::unexpected(std::move(port.error()));
  auto bound = bound_words(words.subspan(3), kForm);
  if (!bound) return std::unexpected(std::move(bound.error()));
  return RegisterCommand{ServiceName(words[0]), std::string(words[1]), *port, *bound};
}

template <class Command, class Name>
Result<SocketCommand> one_word(Arguments words, std::string_view form, std::string_view field,
                               const ModelLimits& limits) {
  if (words.size() != 1) return wrong_form(form);
  if (auto ok = validate_name(words[0], field, limits); !ok) return std::unexpected(std::move(ok.error()));
  return Command{Name(words[0])};
}

Result<SocketCommand> heartbeat_words(Arguments words, const ModelLimits& limits) {
  return one_word<HeartbeatCommand, InstanceId>(words, "heartbeat UUID", "uuid", limits);
}
Result<SocketCommand> query_words(Arguments words, const ModelLimits& limits) {
  return one_word<QueryCommand, ServiceName>(words, "query TYPE", "type", limits);
}
Result<SocketCommand> deregister_words(Arguments words, const ModelLimits& limits) {
  return one_word<DeregisterCommand, InstanceId>(words, "deregister UUID", "uuid", limits);
}
Result<SocketCommand> resume_words(Arguments words, const ModelLimits& limits) {
  return one_word<ResumeCommand, InstanceId>(words, "resume UUID", "uuid", limits);
}

Result<SocketCommand> auth_words(Arguments words, const ModelLimits& limits) {
  return one_word<AuthCommand, std::string>(words, "auth TOKEN", "token", limits);
}

Result<SocketCommand> watch_words(Arguments words, const ModelLimits& limits) {
  constexpr std::string_view kForm = "watch TYPE [REVISION]";
  if (words.empty() || words.size() > 2) return wrong_form(kForm);
  if (auto ok = validate_name(words[0], "type", limits); !ok) return std::unexpected(std::move(ok.error()));
  WatchCommand command{ServiceName(words[0]), std::nullopt};
  if (words.size() == 1) return command;
  Revision after;
  const auto* const end = words[1].data() + words[1].size();
  const auto parsed = std::from_chars(words[1].data(), end, after.value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    return fail(ErrorCode::invalid, "is a whole number from 0", "revision");
  }
  command.after = after;
  return command;
}

struct Verb {
  std::string_view name;
  Result<SocketCommand> (*decode)(Arguments words, const ModelLimits& limits);
};
constexpr std::array kVerbs{
    Verb{"register", register_words},     Verb{"heartbeat", heartbeat_words}, Verb{"query", query_words},
    Verb{"deregister", deregister_words}, Verb{"resume", resume_words},       Verb{"auth", auth_words},
    Verb{"watch", watch_words},
};

}  // namespace

std::optional<std::string_view> plain_heartbeat(std::string_view line, const ModelLimits& limits) noexcept {
  if (!line.starts_with(kHeartbeat)) return std::nullopt;
  line.remove_prefix(kHeartbeat.size());
  if (line.empty() || line.size() > limits.name_bytes) return std::nullopt;
  // No early end: this way the compiler looks at many letters at once.
  bool plain = true;
  for (const char letter : line) plain &= letter > ' ' && letter < 0x7F;
  return plain ? std::optional(line) : std::nullopt;
}

Result<SocketCommand> decode_line(std::string_view line, const ModelLimits& limits) {
  const auto words = split(line);
  if (words.count == 0) return fail(ErrorCode::invalid, "is empty", "line");
  if (words.word[0].starts_with('{')) return decode_command(line, UnknownMembers::refused, limits);
  const auto* const verb = std::ranges::find(kVerbs, words.word[0], &Verb::name);
  if (verb == kVerbs.end()) {
    return fail(ErrorCode::invalid, "is unknown: " + clipped(is_utf8(line) ? words.word[0] : "not UTF-8"), "action");
  }
  return verb->decode(words.arguments(), limits);
}

void append_line(std::string& out, const SocketAnswer& answer) {
  out += answer.words();
  out += '\n';
}

}  // namespace rollcall::codec
