#pragma once
// The outbox: everything that the log says is told to a Publisher, in order and at least once.
//
// It reads the log in pages from the Store, and reads on only when a page is confirmed: a publisher that is slow,
// blocked or away costs no memory and holds nobody up. The position up to which all is confirmed is written down now
// and then; who begins there again tells a little twice.
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.hpp"
#include "publish/beginning.hpp"
#include "publish/latest.hpp"
#include "publish/message_fold.hpp"

namespace rollcall {

class Outbox : public std::enable_shared_from_this<Outbox> {
 public:
  struct Parts {
    std::string name;      ///< of its position in the Store
    Executor& own;         ///< decides
    Executor& publishing;  ///< the thread that may block in the Publisher
    Publisher& publisher;
    std::function<void(std::move_only_function<void(Store&)>)> with_store;  ///< runs work on the store's executor
    const Clock& clock;
    const PublishLimits& limits;
    LatestSources latest;
  };

  explicit Outbox(Parts parts);

  // ---- any thread ----

  /// From now on this node publishes.
  void start();
  /// Not any more: what is under way is broken off, and the position written down.
  void stop();
  /// There may be more in the log.
  void grown();
  void metrics_changed(std::string service);

  struct View {
    bool active = false;
    Revision confirmed;
    std::optional<WallTime> oldest;  ///< of what has been read and isn't confirmed
    std::uint64_t messages = 0, gaps = 0, failures = 0;
  };
  [[nodiscard]] View view() const;

 private:
  /// One step at a time is under way: a look at the Store, or a call of the Publisher.
  void turn();
  void next_step();
  void begin();
  void have_begun(Result<Beginning> beginning);
  void read_page();
  void have_read(const Result<std::vector<EventPtr>>& page);
  void take(const std::vector<EventPtr>& events);
  void publish();
  void have_published(std::size_t confirmed);
  void drop(std::size_t confirmed);
  void tend();
  void succeeded();
  void back_off();
  void rest();
  void save_when_due();
  void save();
  void sleep();
  void show();

  /// Runs on the store's executor, and `then` on ours with what came of it.
  template <class Work, class Then>
  void ask_store(Work work, Then then);

  const Parts parts_;
  Latest latest_;
  MessageFold fold_;

  bool active_ = false;
  bool resting_ = true;  ///< nothing is left of a time of being active
  bool begun_ = false;   ///< the fold and `read_` stand
  bool busy_ = false;    ///< a step is under way
  bool grown_ = false;
  Revision read_;  ///< the fold has come to here
  /// What is being published: the log's messages, each with the revision to which all is confirmed when the ones before
  /// it are; after them, only while they are sent, those of which the newest counts.
  std::vector<Message> batch_;
  std::vector<Revision> before_;

  Revision confirmed_, saved_;
  bool saving_ = false;
  MonoTime save_due_{}, tend_due_{}, retry_at_{};
  Duration pause_{0};  ///< until the next try
  Executor::TimerId timer_ = Executor::TimerId::none;
  std::uint64_t messages_ = 0, gaps_ = 0, failures_ = 0;

  mutable std::mutex mutex_;
  View view_;  // guarded by mutex_
};

}  // namespace rollcall
