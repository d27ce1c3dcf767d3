#include "publish/outbox.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace rollcall {

Outbox::Outbox(Parts parts) : parts_(std::move(parts)), latest_(parts_.latest, parts_.clock, parts_.limits) {}

void Outbox::start() {
  parts_.own.post([self = shared_from_this()] {
    if (self->active_) return;
    self->parts_.publisher.resume();
    self->active_ = self->grown_ = true;
    self->begun_ = self->resting_ = false;
    self->latest_.start();
    self->succeeded();
    self->turn();
  });
}

void Outbox::stop() {
  parts_.publisher.interrupt();
  parts_.own.post([self = shared_from_this()] {
    self->parts_.publisher.interrupt();  // a start that was under way may have resumed it
    self->active_ = false;
    self->turn();
  });
}

void Outbox::grown() {
  parts_.own.post([self = shared_from_this()] {
    self->grown_ = true;
    self->turn();
  });
}

void Outbox::metrics_changed(std::string service) {
  parts_.own.post([self = shared_from_this(), service = std::move(service)]() mutable {
    if (!self->active_) return;
    self->latest_.metrics_changed(std::move(service));
    self->turn();
  });
}

Outbox::View Outbox::view() const {
  const std::scoped_lock lock(mutex_);
  return view_;
}

template <class Work, class Then>
void Outbox::ask_store(Work work, Then then) {
  parts_.with_store([self = shared_from_this(), work = std::move(work), then = std::move(then)](Store& store) mutable {
    self->parts_.own.post([self, then = std::move(then), answer = work(store)]() mutable { then(*self, answer); });
  });
}

// ---- step by step ----

void Outbox::turn() {
  if (!busy_) active_ ? next_step() : rest();
  if (active_) save_when_due();
  show();
}

void Outbox::next_step() {
  const MonoTime now = parts_.clock.now();
  if (now < retry_at_) return sleep();
  if (!begun_) return begin();
  if (batch_.empty() && grown_) return read_page();
  latest_.take_due(batch_);
  if (!batch_.empty()) return publish();
  if (now >= tend_due_) return tend();
  sleep();
}

void Outbox::begin() {
  busy_ = true;
  const auto unsaved = confirmed_ == saved_ ? std::nullopt : std::optional(confirmed_);
  ask_store(
      [name = parts_.name, unsaved](Store& store) -> Result<Beginning> {
        const auto saved = unsaved ? store.save_outbox_position(name, *unsaved) : Result<void>();
        return saved ? find_beginning(store, name) : std::unexpected(saved.error());
      },
      [](Outbox& self, Result<Beginning>& beginning) { self.have_begun(std::move(beginning)); });
}

void Outbox::have_begun(Result<Beginning> beginning) {
  busy_ = false;
  if (!beginning) {
    if (pause_ == Duration{0}) log::warning(parts_.name, "the outbox can't begin: {}", beginning.error().message);
    back_off();
    return turn();
  }
  begun_ = true;
  fold_.start(beginning->state);
  read_ = beginning->position;
  confirmed_ = saved_ = beginning->confirmed;
  batch_.clear();
  before_.clear();
  if (beginning->gap_after) {
    batch_.push_back(gap_message(*beginning->gap_after, read_, parts_.clock.wall_now()));
    before_.push_back(confirmed_);
    ++gaps_;
    latest_.services_changed();
  }
  turn();
}

void Outbox::read_page() {
  busy_ = true;
  grown_ = false;
  ask_store([after = read_, limit = parts_.limits.events_per_batch](Store& store) { return store.read(after, limit); },
            [](Outbox& self, const Result<std::vector<EventPtr>>& page) { self.have_read(page); });
}

void Outbox::have_read(const Result<std::vector<EventPtr>>& page) {
  busy_ = false;
  if (page && begun_) {
    take(*page);
  } else {
    grown_ = true;
    if (!page && page.error().code == ErrorCode::compacted) begun_ = false;
    if (!page && begun_) back_off();
  }
  turn();
}

void Outbox::take(const std::vector<EventPtr>& events) {
  for (const auto& event : events) {
    fold_.apply(*event, batch_);
    before_.resize(batch_.size(), read_);
    read_ = event->revision;
  }
  if (batch_.empty()) confirmed_ = read_;
  if (!events.empty()) latest_.services_changed();
  if (events.size() == parts_.limits.events_per_batch) grown_ = true;
}

void Outbox::publish() {
  busy_ = true;
  parts_.publishing.post([self = shared_from_this()] {
    const auto confirmed = self->parts_.publisher.publish(self->batch_);
    self->parts_.own.post([self, confirmed] { self->have_published(confirmed); });
  });
}

void Outbox::have_published(std::size_t confirmed) {
  busy_ = false;
  messages_ += confirmed;
  tend_due_ = parts_.clock.now() + parts_.limits.idle_turn;
  const bool all = confirmed == batch_.size();
  if (confirmed > 0) succeeded();
  if (!all) back_off();
  drop(confirmed);
  turn();
}

void Outbox::drop(std::size_t confirmed) {
  const std::size_t from_log = before_.size();
  latest_.give_back(std::span(batch_).subspan(std::max(confirmed, from_log)));
  batch_.resize(from_log);
  const std::size_t told = std::min(confirmed, from_log);
  if (from_log > 0) confirmed_ = told < from_log ? before_[told] : read_;
  batch_.erase(batch_.begin(), batch_.begin() + static_cast<std::ptrdiff_t>(told));
  before_.erase(before_.begin(), before_.begin() + static_cast<std::ptrdiff_t>(told));
}

void Outbox::tend() {
  busy_ = true;
  parts_.publishing.post([self = shared_from_this()] {
    auto& publisher = self->parts_.publisher;
    publisher.tend();
    self->parts_.own.post([self, connected = publisher.health().connected] {
      self->busy_ = false;
      self->tend_due_ = self->parts_.clock.now() + self->parts_.limits.idle_turn;
      connected ? self->succeeded() : self->back_off();
      self->turn();
    });
  });
}

// ---- when ----

void Outbox::succeeded() {
  pause_ = Duration{0};
  retry_at_ = MonoTime{};
}

void Outbox::back_off() {
  const auto& limits = parts_.limits;
  ++failures_;
  pause_ = std::clamp<Duration>(2 * pause_, limits.retry_first, limits.retry_longest);
  retry_at_ = parts_.clock.now() + pause_;
}

void Outbox::rest() {
  if (std::exchange(resting_, true)) return;
  save();
  begun_ = false;
  fold_.start({});
  batch_.clear();
  before_.clear();
  parts_.publishing.post([self = shared_from_this()] { self->parts_.publisher.disconnect(); });
}

void Outbox::save_when_due() {
  if (parts_.clock.now() >= save_due_) save();
}

void Outbox::save() {
  if (saving_ || confirmed_ == saved_) return;
  saving_ = true;
  ask_store([name = parts_.name, upto = confirmed_](Store& store) { return store.save_outbox_position(name, upto); },
            [upto = confirmed_](Outbox& self, const Result<void>& saved) {
              self.saving_ = false;
              self.save_due_ = self.parts_.clock.now() + self.parts_.limits.save_interval;
              if (saved) self.saved_ = upto;
              if (self.active_ && !self.busy_) self.sleep();
            });
}

void Outbox::sleep() {
  const MonoTime now = parts_.clock.now();
  MonoTime next = now < retry_at_ ? retry_at_ : std::min(tend_due_, latest_.next_due());
  if (confirmed_ != saved_ && !saving_) next = std::min(next, std::max(save_due_, now));
  parts_.own.cancel(timer_);
  timer_ = parts_.own.post_at(next, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->turn();
  });
}

void Outbox::show() {
  const auto oldest = before_.empty() ? std::nullopt : std::optional(batch_.front().at);
  const std::scoped_lock lock(mutex_);
  view_ = {.active = active_,
           .confirmed = confirmed_,
           .oldest = oldest,
           .messages = messages_,
           .gaps = gaps_,
           .failures = failures_};
}

}  // namespace rollcall
