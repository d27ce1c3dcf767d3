#include "codec/agent_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "codec/fields.hpp"
#include "codec/json.hpp"

namespace rollcall::codec {
namespace {

constexpr std::array<std::string_view, 4> kHealths{"none", "starting", "healthy", "unhealthy"};
constexpr std::int64_t kMostBytes = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kValuesPerEntry = 10;
constexpr std::size_t kOtherValues = 8;

struct Counter {
  std::string_view name;
  std::optional<std::uint64_t> UsageSample::* member;
};
constexpr std::array kCounters{Counter{"memory_working_bytes", &UsageSample::memory_working_bytes},
                               Counter{"memory_limit_bytes", &UsageSample::memory_limit_bytes},
                               Counter{"network_rx_bytes", &UsageSample::network_rx_bytes},
                               Counter{"network_tx_bytes", &UsageSample::network_tx_bytes},
                               Counter{"block_read_bytes", &UsageSample::block_read_bytes},
                               Counter{"block_write_bytes", &UsageSample::block_write_bytes}};

enum SampleField : std::size_t { kTask, kCpu, kMemory, kFirstCounter };
constexpr auto kSampleNames = [] {
  std::array<std::string_view, kFirstCounter + kCounters.size()> names{"task", "cpu_percent", "memory_bytes"};
  for (std::size_t i = 0; i < kCounters.size(); ++i) names[kFirstCounter + i] = kCounters[i].name;
  return names;
}();

/// A text that must be there unless it may be empty.
Result<void> read_word(const JsonValue* value, std::string_view path, std::size_t least, const ModelLimits& limits,
                       std::string& word) {
  if (value == nullptr && least == 0) return {};
  if (value == nullptr) return fail(ErrorCode::invalid, "is missing", std::string(path));
  const auto text = read_plain_text(*value, path, least, limits.name_bytes);
  if (!text) return std::unexpected(text.error());
  word = *text;
  return {};
}

Result<void> read_health(const JsonValue* value, std::string_view path, ContainerHealth& health) {
  if (value == nullptr) return {};
  const auto found = std::ranges::find(kHealths, value->text);
  if (value->kind != JsonKind::text || found == kHealths.end()) {
    return fail(ErrorCode::invalid, fmt::format("allowed are {}", fmt::join(kHealths, ", ")), std::string(path));
  }
  health = static_cast<ContainerHealth>(found - kHealths.begin());
  return {};
}

Result<AgentReport::Task> read_task(const Document& document, const JsonValue& value, const std::string& path,
                                    const ModelLimits& limits) {
  constexpr std::array<std::string_view, 5> kNames{"task", "service", "container", "action", "health"};
  std::array<const JsonValue*, kNames.size()> found{};
  AgentReport::Task task;
  if (value.kind != JsonKind::object) return wrong_type(value, path, "an object");
  auto ok = take_members(document, value, path, kNames, found);
  if (ok) ok = read_word(found[0], path + ".task", 1, limits, task.task);
  if (ok) ok = read_word(found[1], path + ".service", 1, limits, task.service);
  if (ok) ok = read_word(found[2], path + ".container", 1, limits, task.container);
  if (ok) ok = read_word(found[3], path + ".action", 0, limits, task.action);
  if (ok) ok = read_health(found[4], path + ".health", task.health);
  if (!ok) return std::unexpected(std::move(ok.error()));
  return task;
}

Result<double> read_share(const JsonValue* value, const std::string& path) {
  if (value == nullptr) return fail(ErrorCode::invalid, "is missing", path);
  const bool is_number = value->kind == JsonKind::integer || value->kind == JsonKind::real;
  if (!is_number || !std::isfinite(value->real) || value->real < 0) {
    return fail(ErrorCode::invalid, "allowed is a number from 0 on", path);
  }
  return value->real;
}

Result<void> read_counters(const std::array<const JsonValue*, kSampleNames.size()>& found, const std::string& path,
                           UsageSample& usage) {
  if (found[kMemory] == nullptr) return fail(ErrorCode::invalid, "is missing", path + ".memory_bytes");
  const auto memory = read_integer(*found[kMemory], path + ".memory_bytes", 0, kMostBytes);
  if (!memory) return std::unexpected(memory.error());
  usage.memory_bytes = static_cast<std::uint64_t>(*memory);
  for (std::size_t i = 0; i < kCounters.size(); ++i) {
    const auto* value = found[kFirstCounter + i];
    if (value == nullptr) continue;
    const auto count = read_integer(*value, join_path(path, kCounters[i].name), 0, kMostBytes);
    if (!count) return std::unexpected(count.error());
    usage.*kCounters[i].member = static_cast<std::uint64_t>(*count);
  }
  return {};
}

Result<AgentReport::Usage> read_sample(const Document& document, const JsonValue& value, const std::string& path,
                                       const ModelLimits& limits) {
  std::array<const JsonValue*, kSampleNames.size()> found{};
  AgentReport::Usage sample;
  if (value.kind != JsonKind::object) return wrong_type(value, path, "an object");
  auto ok = take_members(document, value, path, kSampleNames, found);
  if (ok) ok = read_word(found[kTask], path + ".task", 1, limits, sample.task);
  if (ok) ok = read_counters(found, path, sample.usage);
  if (!ok) return std::unexpected(std::move(ok.error()));
  const auto cpu = read_share(found[kCpu], path + ".cpu_percent");
  if (!cpu) return std::unexpected(cpu.error());
  sample.usage.cpu_percent = *cpu;
  return sample;
}

/// `read(value, path)` for each entry of an array that may be absent.
template <class Item, class Read>
Result<void> read_list(const Document& document, const JsonValue* list, std::string_view name, std::size_t most,
                       std::vector<Item>& items, Read read) {
  if (list == nullptr) return {};
  if (list->kind != JsonKind::array) return wrong_type(*list, name, "an array");
  return document.for_each_in(*list, [&](const JsonValue& value) -> Result<void> {
    if (items.size() == most) {
      return fail(ErrorCode::invalid, fmt::format("has too many entries; allowed are {}", most), std::string(name));
    }
    auto item = read(value, fmt::format("{}[{}]", name, items.size()));
    if (!item) return std::unexpected(std::move(item.error()));
    items.push_back(*std::move(item));
    return {};
  });
}

void append_task(std::string& out, const AgentReport::Task& task) {
  out += "{\"task\":";
  append_string(out, task.task);
  out += ",\"service\":";
  append_string(out, task.service);
  out += ",\"container\":";
  append_string(out, task.container);
  if (!task.action.empty()) {
    out += ",\"action\":";
    append_string(out, task.action);
  }
  fmt::format_to(std::back_inserter(out), ",\"health\":\"{}\"}}", kHealths[std::to_underlying(task.health)]);
}

}  // namespace

void append_usage_members(std::string& out, const UsageSample& usage) {
  fmt::format_to(std::back_inserter(out), "\"cpu_percent\":{:.3f},\"memory_bytes\":{}", usage.cpu_percent,
                 usage.memory_bytes);
  for (const auto& counter : kCounters) {
    const auto& value = usage.*counter.member;
    if (value) fmt::format_to(std::back_inserter(out), ",\"{}\":{}", counter.name, *value);
  }
}

std::string encode_agent_report(const AgentReport& report) {
  std::string out = report.complete ? "{\"complete\":true,\"tasks\":[" : "{\"complete\":false,\"tasks\":[";
  for (const auto& task : report.tasks) {
    if (&task != report.tasks.data()) out += ',';
    append_task(out, task);
  }
  out += "],\"samples\":[";
  for (const auto& sample : report.samples) {
    if (&sample != report.samples.data()) out += ',';
    out += "{\"task\":";
    append_string(out, sample.task);
    out += ',';
    append_usage_members(out, sample.usage);
    out += '}';
  }
  return out + "]}";
}

Result<AgentReport> decode_agent_report(std::string_view json, const ModelLimits& limits, std::size_t most) {
  constexpr std::array<std::string_view, 3> kNames{"complete", "tasks", "samples"};
  std::array<const JsonValue*, 3> found{};
  AgentReport report;
  Document document;
  auto ok = document.parse(json, 2 * most * kValuesPerEntry + kOtherValues);
  if (ok) ok = take_root(document, kNames, found);
  if (ok && found[0] != nullptr && found[0]->kind != JsonKind::boolean) {
    ok = wrong_type(*found[0], "complete", "a boolean");
  }
  if (ok && found[0] != nullptr) report.complete = found[0]->boolean;
  if (ok) {
    ok = read_list(document, found[1], "tasks", most, report.tasks,
                   [&](const auto& value, const auto& path) { return read_task(document, value, path, limits); });
  }
  if (ok) {
    ok = read_list(document, found[2], "samples", most, report.samples,
                   [&](const auto& value, const auto& path) { return read_sample(document, value, path, limits); });
  }
  if (!ok) return std::unexpected(std::move(ok.error()));
  return report;
}

std::string encode_agent_wishes(const AgentWishes& wishes) {
  std::string out = "{\"sample\":[";
  for (const auto& task : wishes.sample) {
    if (&task != wishes.sample.data()) out += ',';
    append_string(out, task);
  }
  return out + "]}";
}

Result<AgentWishes> decode_agent_wishes(std::string_view json, const ModelLimits& limits, std::size_t most) {
  constexpr std::array<std::string_view, 1> kNames{"sample"};
  std::array<const JsonValue*, 1> found{};
  AgentWishes wishes;
  Document document;
  auto ok = document.parse(json, most + kOtherValues);
  if (ok) ok = take_root(document, kNames, found);
  if (ok) {
    ok = read_list(document, found[0], "sample", most, wishes.sample,
                   [&](const auto& value, const auto& path) -> Result<std::string> {
                     std::string task;
                     if (auto read = read_word(&value, path, 1, limits, task); !read)
                       return std::unexpected(read.error());
                     return task;
                   });
  }
  if (!ok) return std::unexpected(std::move(ok.error()));
  return wishes;
}

}  // namespace rollcall::codec
