#include "store/postgres/growth_listener.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/log.hpp"
#include "store/postgres/schema.hpp"

namespace rollcall::postgres {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kListenAgain{250};
/// After so much silence the head is read: a server may be gone, or another one be in its place, without a word.
constexpr milliseconds kAskAfter{10'000};
constexpr std::string_view kLogger = "postgres";

int make_end() {
  const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  return made;
}

/// 0 for what is no number: anybody may notify.
std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

}  // namespace

std::string channel_of(const std::string& schema) { return schema + "_events"; }

GrowthListener::GrowthListener(const PostgresOptions& options, ConnectionInfo info, Generation generation,
                               Store::Grown grown)
    : waits_(options.waits),
      schema_(options.schema),
      info_(std::move(info)),
      generation_(generation),
      end_(make_end()),
      grown_(std::move(grown)),
      thread_([this] { run(); }) {}

GrowthListener::~GrowthListener() {
  ::eventfd_write(end_, 1);
  thread_.join();
  ::close(end_);
}

void GrowthListener::run() {
  ::pthread_setname_np(::pthread_self(), "rollcall-listen");
  for (;;) {
    const Failure failure = listen();
    if (end_within(milliseconds{0})) return;
    note_lost(failure);
    if (end_within(kListenAgain)) return;
  }
}

/// Until the connection fails.
Failure GrowthListener::listen() {
  auto connection = Connection::open(info_, waits_.connect_timeout, end_);
  if (!connection) return connection.error();
  if (const auto begun = begin(*connection); !begun) return begun.error();
  for (;;) {
    if (const auto told = tell_of_head(*connection); !told) return told.error();
    for (bool silent = false; !silent;) {
      const auto heard = connection->notices(kAskAfter);
      if (!heard) return heard.error();
      tell_of(*heard);
      silent = heard->empty();
    }
  }
}

Db<void> GrowthListener::begin(Connection& connection) const {
  if (auto done = use_schema(connection, schema_, waits_.request_timeout); !done) return done;
  auto done = connection.execute(fmt::format("LISTEN \"{}\"", channel_of(schema_)), waits_.request_timeout);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

Db<void> GrowthListener::tell_of_head(Connection& connection) {
  const auto rows = connection.execute("SELECT revision, generation FROM head", waits_.request_timeout);
  if (!rows) return std::unexpected(rows.error());
  if (rows->size() != 1 || number_in(rows->bytes(0, 1)) != generation_.value) {
    return damaged("the schema " + schema_ + " has been exchanged for another log");
  }
  if (lost_) log::info(kLogger, "what other nodes write is heard of again");
  lost_ = false;
  grown_(Revision{number_in(rows->bytes(0, 0))});
  return {};
}

void GrowthListener::tell_of(const std::vector<std::string>& notices) {
  Revision newest;
  for (const auto& notice : notices) newest = std::max(newest, Revision{number_in(notice)});
  if (newest) grown_(newest);
}

void GrowthListener::note_lost(const Failure& failure) {
  if (lost_) return;
  lost_ = true;
  log::warning(kLogger, "what other nodes write isn't heard of for now: {}", failure.message);
}

bool GrowthListener::end_within(milliseconds patience) const {
  pollfd one{.fd = end_, .events = POLLIN, .revents = 0};
  return ::poll(&one, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace rollcall::postgres
