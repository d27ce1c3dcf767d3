// GET and POST /services/{name}/metrics: what a service's instances use.
#include <fmt/format.h>

#include <cmath>
#include <unordered_map>

#include "api/cache.hpp"
#include "api/object_writer.hpp"
#include "api/query.hpp"
#include "catalog/encoded_list.hpp"
#include "codec/shown_list.hpp"
#include "http/await_callback.hpp"
#include "metrics/usage_summary.hpp"

namespace rollcall::api {
namespace {

using http::Method;
using std::chrono::seconds;

constexpr std::uint64_t kDefaultWindow = 60;
/// By so much a sample may come late.
constexpr seconds kSlack{5};

struct Asked {
  ServiceName service;
  seconds window{kDefaultWindow};
  bool points = false;
};

/// What is known of a service's use.
struct Known {
  std::vector<InstanceUsage> usage;  ///< of the instances that it has now
  std::vector<InstanceUsage> past;   ///< and of those that it had
  std::size_t running = 0;
  bool by_engine = false;  ///< an engine counted it; else the daemon looked at the processes
};

Result<bool> switch_in(std::string_view query, std::string_view name) {
  const auto text = http::query_value(query, name);
  if (!text) return std::unexpected(text.error());
  if (!*text || **text == "false") return false;
  if (**text == "true") return true;
  return fail(ErrorCode::invalid, "allowed are true and false", std::string(name));
}

Result<Asked> asked_in(const ApiParts& parts, const Request& request) {
  auto name = service_param(parts, request);
  if (!name) return std::unexpected(name.error());
  if (auto ok = http::check_query(request.query, {"window", "points"}); !ok) return std::unexpected(ok.error());
  const auto longest = std::chrono::floor<seconds>(parts.limits.metrics.history).count();
  const auto window = whole_number(request.query, "window", 1, static_cast<std::uint64_t>(longest));
  if (!window) return std::unexpected(window.error());
  const auto points = switch_in(request.query, "points");
  if (!points) return std::unexpected(points.error());
  return Asked{*std::move(name), seconds(window->value_or(kDefaultWindow)), *points};
}

std::unordered_map<InstanceId, InstancePtr> instances_of(const ApiParts& parts, std::string_view service) {
  std::unordered_map<InstanceId, InstancePtr> instances;
  const auto view = parts.reader.find(service);
  if (!view) return instances;
  view->instances->for_each_chunk([&](std::string_view bytes) {
    codec::ShownList list(bytes);
    while (const auto shown = list.next()) {
      if (auto instance = parts.catalog.find_instance(codec::unescaped(shown->id))) {
        const auto& id = instance->id;
        instances.emplace(id, std::move(instance));
      }
    }
  });
  return instances;
}

/// Instances that are sampled seldom have no point in a short window: their newest counts until the next is overdue.
Known known_of(const ApiParts& parts, const Asked& asked) {
  Known known;
  const auto now = parts.clock.wall_now();
  const auto overdue = std::max<std::chrono::milliseconds>(asked.window, 2 * parts.limits.metrics.step + kSlack);
  const auto instances = instances_of(parts, asked.service.view());
  for (const auto& [id, instance] : instances) known.running += is_running(*instance) ? 1 : 0;
  for (auto& usage : within(parts.usage.since(asked.service, now - overdue), now - asked.window)) {
    const auto living = instances.find(usage.id);
    if (living == instances.end()) {
      known.past.push_back(std::move(usage));
      continue;
    }
    known.by_engine = known.by_engine || living->second->source != Source::probe;
    known.usage.push_back(std::move(usage));
  }
  return known;
}

void add_bytes(ObjectWriter& out, std::string_view name, double bytes) {
  out.number(name, static_cast<std::uint64_t>(std::llround(bytes)));
}

void add_figures(ObjectWriter& out, const UsageFigures& figures) {
  out.real("cpu_pct", figures.cpu_percent);
  add_bytes(out, "memory_bytes", figures.memory_bytes);
  if (figures.memory_working_bytes) add_bytes(out, "memory_working_bytes", *figures.memory_working_bytes);
}

std::string figures_json(const UsageFigures& figures) {
  ObjectWriter out;
  add_figures(out, figures);
  return std::move(out).finish();
}

/// `counts` is a sample or a summary: both have the same counters.
template <class Counts>
void add_counters(ObjectWriter& out, const Counts& counts) {
  if (counts.network_rx_bytes || counts.network_tx_bytes) {
    ObjectWriter network;
    network.number("rx_bytes", counts.network_rx_bytes);
    network.number("tx_bytes", counts.network_tx_bytes);
    out.raw("network", std::move(network).finish());
  }
  if (counts.block_read_bytes || counts.block_write_bytes) {
    ObjectWriter block;
    block.number("read_bytes", counts.block_read_bytes);
    block.number("write_bytes", counts.block_write_bytes);
    out.raw("block", std::move(block).finish());
  }
}

/// `write(ObjectWriter&, const Item&)` for each item.
template <class Items, class Write>
std::string array_json(const Items& items, Write write) {
  std::string json = "[";
  for (const auto& item : items) {
    if (json.size() > 1) json += ',';
    ObjectWriter out;
    write(out, item);
    json += std::move(out).finish();
  }
  return json + ']';
}

void write_point(ObjectWriter& out, const UsagePoint& point) {
  out.real("timestamp", epoch_seconds(point.at));
  out.real("cpu_pct", point.usage.cpu_percent);
  out.number("memory_bytes", point.usage.memory_bytes);
  out.number("memory_working_bytes", point.usage.memory_working_bytes);
  add_counters(out, point.usage);
}

void write_step(ObjectWriter& out, const UsageStep& step) {
  out.real("timestamp", epoch_seconds(step.at));
  out.real("cpu_pct", step.cpu_percent);
  add_bytes(out, "memory_bytes", step.memory_bytes);
  out.number("tasks", step.tasks);
}

std::string tasks_json(const Known& known, const UsageSummary& summary, bool points) {
  std::size_t place = 0;
  return array_json(summary.tasks, [&](ObjectWriter& out, const TaskUsage& task) {
    out.text("id", task.id.view());
    add_figures(out, task.mean);
    add_counters(out, task.newest.usage);
    out.number("memory_limit_bytes", task.newest.usage.memory_limit_bytes);
    out.real("timestamp", epoch_seconds(task.newest.at));
    if (points) out.raw("points", array_json(known.usage[place].points, write_point));
    ++place;
  });
}

std::string steps_json(const ApiParts& parts, const Known& known) {
  auto all = known.usage;
  all.insert(all.end(), known.past.begin(), known.past.end());
  return array_json(steps_of(all, parts.limits.metrics.step), write_step);
}

std::string metrics_json(const ApiParts& parts, const Asked& asked, const Known& known, const UsageSummary& summary) {
  ObjectWriter out;
  add_figures(out, summary.mean);
  out.number("window_seconds", static_cast<std::uint64_t>(asked.window.count()));
  out.number("timestamp", static_cast<std::uint64_t>(epoch_seconds(summary.newest)));
  out.text("source", known.by_engine ? "docker" : "orthanc");
  add_counters(out, summary);
  out.raw("max", figures_json(summary.max));
  out.raw("sum", figures_json(summary.sum));
  out.number("tasks_sampled", summary.tasks.size());
  out.number("tasks_running", known.running);
  out.raw("tasks", tasks_json(known, summary, asked.points));
  if (asked.points) out.raw("points", steps_json(parts, known));
  return std::move(out).finish();
}

Response metrics_not_available(const Asked& asked) {
  return problem_as_seed(
      {ErrorCode::not_found,
       fmt::format("no instance of a service \"{}\" has been sampled of late", asked.service.view()), "name"},
      "metrics not available");
}

Response show(const ApiParts& parts, const Asked& asked, std::optional<bool> refreshed) {
  const auto known = known_of(parts, asked);
  const auto summary = summarize(known.usage);
  if (!summary) return metrics_not_available(asked);
  ObjectWriter out;
  out.text("service_name", asked.service.view());
  out.raw("metrics", metrics_json(parts, asked, known, *summary));
  if (refreshed) out.boolean("refreshed", *refreshed);
  out.number("timestamp", static_cast<std::uint64_t>(whole_seconds(parts.clock)));
  return http::json_response(200, std::move(out).finish());
}

Result<Response> get_usage(const ApiParts& parts, const Request& request) {
  const auto asked = asked_in(parts, request);
  if (!asked) return std::unexpected(asked.error());
  return show(parts, *asked, std::nullopt);
}

boost::asio::awaitable<Response> sample_then_show(PartsPtr parts, Asked asked) {
  auto pending = http::await_callback<bool>(
      [parts, service = asked.service](auto done) { parts->refresh_usage(service, std::move(done)); });
  const bool refreshed = co_await std::move(pending);
  co_return show(*parts, asked, refreshed);
}

Result<Answer> refresh_usage(const PartsPtr& parts, const Request& request) {
  auto asked = asked_in(*parts, request);
  if (!asked) return std::unexpected(asked.error());
  if (!parts->refresh_usage) return show(*parts, *asked, false);
  return sample_then_show(parts, *std::move(asked));
}

}  // namespace

std::optional<std::string> metrics_of(const ApiParts& parts, std::string_view service) {
  const Asked asked{.service = ServiceName(service)};
  const auto known = known_of(parts, asked);
  const auto summary = summarize(known.usage);
  return summary ? std::optional(metrics_json(parts, asked, known, *summary)) : std::nullopt;
}

void add_usage(http::Router& router, const PartsPtr& parts) {
  router.add(Method::get, "/services/{name}/metrics", at_once(parts, get_usage));
  router.add(Method::post, "/services/{name}/metrics", maybe_later(parts, refresh_usage));
}

}  // namespace rollcall::api
