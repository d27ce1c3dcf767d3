#include "http/connection_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <utility>

namespace rollcall::http {
namespace {

using std::chrono::milliseconds;

// A deadline is kept to within a tick, a tick being an eighth of the shortest one, within these bounds.
constexpr milliseconds kTickMin{5};
constexpr milliseconds kTickMax{500};
constexpr int kTicksPerDeadline = 8;

Duration period_of(const ConnectionLimits& limits) {
  const auto shortest = std::min({limits.request_timeout, limits.idle_timeout, limits.linger_timeout});
  return std::clamp(shortest / kTicksPerDeadline, kTickMin, kTickMax);
}

// Entries leave while one walks over them, so `next` is taken first.
template <class List, class Visit>
void visit_all(List& list, Visit visit) {
  for (auto next = list.begin(); next != list.end();) visit(*next++);
}

}  // namespace

ConnectionTable::ConnectionTable(boost::asio::io_context& io, const Clock& clock, const ConnectionLimits& limits,
                                 std::atomic<std::size_t>& open)
    : clock_(clock), limits_(limits), period_(period_of(limits)), open_(open), timer_(io) {}

ConnectionTable::~ConnectionTable() = default;

bool ConnectionTable::join(TableEntry& entry) {
  if (open_.fetch_add(1, std::memory_order_relaxed) >= limits_.connections) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // The tick sleeps while the table is empty: its time is old then.
  if (!armed_) {
    read_clock();
    arm();
  }
  entries_.push_back(entry);
  wait(entry, Waiting::first_byte);
  return true;
}

void ConnectionTable::leave(TableEntry& entry) noexcept {
  entries_.erase(entries_.iterator_to(entry));
  open_.fetch_sub(1, std::memory_order_relaxed);
  // Or an io_context that has nothing else to do would wait for the tick.
  if (!entries_.empty()) return;
  timer_.cancel();
  armed_ = false;
}

void ConnectionTable::drain() noexcept {
  draining_ = true;
  visit_all(entries_, [](TableEntry& entry) {
    const auto waiting = entry.waiting_;
    const bool in_hand = waiting != Waiting::handshake && waiting != Waiting::first_byte && waiting != Waiting::event;
    if (!in_hand) entry.on_wake();
  });
}

void ConnectionTable::after_this_turn(std::move_only_function<void()> task) {
  // Posted behind all that the reactor's last poll has found.
  if (deferred_.empty()) boost::asio::post(timer_.get_executor(), [this] { run_deferred(); });
  deferred_.push_back(std::move(task));
}

void ConnectionTable::run_deferred() {
  running_.swap(deferred_);
  for (auto& task : running_) task();
  running_.clear();
}

void ConnectionTable::arm() {
  armed_ = true;
  timer_.expires_after(period_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // the last connection has left, or the table itself is gone
    armed_ = false;
    tick();
  });
}

void ConnectionTable::tick() {
  read_clock();
  visit_all(entries_, [this](TableEntry& entry) {
    if (now_ - entry.since_ < allowed(entry.waiting_)) return;
    entry.overdue_ = true;
    entry.on_wake();
  });
  if (!entries_.empty()) arm();
}

void ConnectionTable::read_clock() noexcept {
  now_ = clock_.now();
  const auto second = std::chrono::floor<std::chrono::seconds>(clock_.wall_now());
  if (second == date_second_) return;
  date_second_ = second;
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  fmt::format_to_n(date_, sizeof date_ - 1, "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                   kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                   kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                   time.hours().count(), time.minutes().count(), time.seconds().count());
}

Duration ConnectionTable::allowed(Waiting waiting) const noexcept {
  switch (waiting) {
    case Waiting::first_byte:
    case Waiting::reader:
      return limits_.idle_timeout;
    case Waiting::handshake:
    case Waiting::request:
      return limits_.request_timeout;
    case Waiting::handler:
    case Waiting::event:
      return Duration::max();
    case Waiting::close:
      return limits_.linger_timeout;
  }
  std::unreachable();
}

}  // namespace rollcall::http
