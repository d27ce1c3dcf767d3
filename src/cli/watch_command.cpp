// watch: follows the history.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>
#include <optional>
#include <thread>

#include "cli/app.hpp"
#include "cli/client.hpp"
#include "cli/table.hpp"
#include "http/message.hpp"

namespace rollcall::cli {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr auto kPollEvery = 500ms;
constexpr std::size_t kPage = 500;

struct Wanted {
  std::string service;
  std::optional<std::uint64_t> since;
  std::uint64_t count = 0;  ///< 0: for ever
};

std::uint64_t number_of(const json::value& object, std::string_view member) {
  const auto text = text_of(object, member);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Follows the log page by page. What it showed last is where it goes on, so a broken connection loses nothing.
class Watch {
 public:
  Watch(const Client& client, const Common& common, const Wanted& wanted)
      : client_(client), common_(common), wanted_(wanted), colours_(!common.json && wants_colours()) {}

  int run() {
    while (true) {
      const auto more = position_ ? next_page() : begin();
      if (!more) {
        if (exit_code_of(more.error().code) != exit_code_of(ErrorCode::unavailable)) return complain(more.error());
        if (!away_) complain(more.error());
        away_ = true;
      } else if (away_) {
        fmt::print(stderr, "rollcall: the daemon answers again\n");
        away_ = false;
      }
      std::fflush(stdout);
      if (wanted_.count > 0 && shown_ >= wanted_.count) return 0;
      if (!more || !*more) std::this_thread::sleep_for(kPollEvery);
    }
  }

 private:
  Result<bool> begin() {
    const auto now = client_.get("/version");
    if (!now) return std::unexpected(now.error());
    generation_ = number_of(*now, "generation");
    position_ = wanted_.since.value_or(number_of(*now, "revision"));
    return true;
  }

  /// True: there is more already.
  Result<bool> next_page() {
    auto target = fmt::format("/history?order=asc&after={}&limit={}", *position_, kPage);
    if (!wanted_.service.empty()) target += "&service=" + http::percent_encode_segment(wanted_.service);
    const auto page = client_.get(std::move(target));
    if (!page) return std::unexpected(page.error());
    if (auto ok = check(*page); !ok) return std::unexpected(ok.error());
    for (const auto& event : list_of(*page, "events")) {
      show(event);
      position_ = number_of(event, "revision");
      if (wanted_.count > 0 && shown_ >= wanted_.count) return false;
    }
    const auto resume = number_of(*page, "resume");
    if (resume > 0) {
      position_ = resume;
    } else {
      // What the page before called the newest was in the log when this one was read: nothing up to there is missing.
      position_ = std::max(*position_, newest_before_);
      newest_before_ = number_of(*page, "revision");
    }
    return resume > 0;
  }

  [[nodiscard]] Result<void> check(const json::value& page) const {
    if (number_of(page, "generation") != generation_) {
      return fail(ErrorCode::compacted, "the daemon's registry was replaced; start the watch anew");
    }
    const auto oldest = number_of(page, "oldest");
    if (*position_ > 0 && *position_ + 1 < oldest) {
      return fail(ErrorCode::compacted,
                  fmt::format("revisions after {} are no longer kept; the oldest is {}", *position_, oldest));
    }
    return {};
  }

  void show(const json::value& event) {
    ++shown_;
    if (common_.json) {
      fmt::print("{}\n", json::serialize(event));
      return;
    }
    const auto& members = event.as_object();
    const auto& instance = members.at("instance");
    const auto status = text_of(instance, "status");
    fmt::print("{:>8}  {:<12}  {}{:{}}  {}  {}  {}: {}\n", text_of(event, "revision"), text_of(event, "kind"),
               coloured_status(status, colours_), "", 11 - std::min<std::size_t>(11, status.size()),
               printable(text_of(instance, "id")), printable(address_of(instance)),
               printable(text_of(members.at("cause"), "writer")), printable(text_of(members.at("cause"), "evidence")));
  }

  const Client& client_;
  const Common& common_;
  const Wanted& wanted_;
  bool colours_;
  std::uint64_t generation_ = 0;
  std::optional<std::uint64_t> position_;
  std::uint64_t newest_before_ = 0;
  std::uint64_t shown_ = 0;
  bool away_ = false;
};

}  // namespace

void add_watch_command(Program& program) {
  const auto wanted = std::make_shared<Wanted>();
  auto& command = program.add_client(
      "watch",
      "Print what happens as it happens, a line an event, until interrupted. A broken connection is taken up again "
      "where it was; nothing is left out silently.",
      "  rollcall watch billing\n  rollcall watch --since 0 --json", [&program, wanted] {
        const auto client = Client::open(program.common());
        if (!client) return complain(client.error());
        return Watch(*client, program.common(), *wanted).run();
      });
  command.add_option("name", wanted->service, "This service alone")->type_name("NAME");
  command
      .add_option("--since", wanted->since,
                  "Begin after this revision, 0: with the oldest that is kept (default: from now on)")
      ->type_name("REVISION");
  command.add_option("--count", wanted->count, "End after this many events (default: never)")->type_name("N");
}

}  // namespace rollcall::cli
