// rollcall_sim: runs simulated histories, and shows the first that breaks an invariant.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "simulation.hpp"

namespace rollcall::sim {
namespace {

constexpr std::string_view kUsage =
    "usage: rollcall_sim [--seed N] [--steps M] [--count K] [--seconds S] [--nodes N] [--trace]\n"
    "  --seed N     the first seed (1)\n"
    "  --steps M    requests and heartbeats in each run (2000)\n"
    "  --count K    how many seeds, one after the other (1)\n"
    "  --seconds S  start no further run after S seconds (no limit)\n"
    "  --nodes N    processes that share one log (1)\n"
    "  --trace      print what happens, and the log lines\n";

struct Arguments {
  Options options;
  std::uint64_t count = 1;
  std::uint64_t seconds = UINT64_MAX;
};

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.options.print_trace = true;
      continue;
    }
    if (name == "--nodes") {
      std::uint64_t nodes = 0;
      if (++i >= argc || !parse_number(argv[i], nodes) || nodes == 0) return false;
      arguments.options.nodes = nodes;
      continue;
    }
    auto* const number = name == "--seed"      ? &arguments.options.seed
                         : name == "--steps"   ? &arguments.options.steps
                         : name == "--count"   ? &arguments.count
                         : name == "--seconds" ? &arguments.seconds
                                               : nullptr;
    if (number == nullptr || ++i >= argc || !parse_number(argv[i], *number)) return false;
  }
  return true;
}

int run(Arguments arguments) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  auto told = begin;
  Report total;
  std::uint64_t runs = 0;
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  for (; runs < arguments.count && elapsed() < static_cast<double>(arguments.seconds); ++runs) {
    const Report report = simulate(arguments.options);
    if (!report.ok) {
      fmt::print("{}", report.failure);
      fmt::print("FOUND \"{}\" with seed {} after {:.1f} s, {} runs\n", report.invariant, arguments.options.seed,
                 elapsed(), runs + 1);
      return 1;
    }
    total.hash = total.hash * 31 + report.hash;
    total.events += report.events;
    total.crashes += report.crashes;
    total.revisions += report.revisions;
    total.virtual_seconds += report.virtual_seconds;
    ++arguments.options.seed;
    if (Clock::now() - told > std::chrono::seconds(5)) {
      told = Clock::now();
      fmt::print(stderr, "{} runs, {:.0f} s\n", runs + 1, elapsed());
    }
  }
  fmt::print(
      "ok: {} runs of {} steps, {} events, {} revisions, {} restarts, {:.0f} s of virtual time in {:.1f} s; "
      "trace {:016x}\n",
      runs, arguments.options.steps, total.events, total.revisions, total.crashes, total.virtual_seconds, elapsed(),
      total.hash);
  return 0;
}

}  // namespace
}  // namespace rollcall::sim

int main(int argc, char** argv) {
  rollcall::sim::Arguments arguments;
  if (!rollcall::sim::parse(argc, argv, arguments)) {
    fmt::print(stderr, "{}", rollcall::sim::kUsage);
    return 2;
  }
  return rollcall::sim::run(arguments);
}
