#pragma once
// Who publishes, where to, and of what: this daemon, if it is alone; of several nodes the one that holds the office.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/routes.hpp"
#include "net/io_executor.hpp"
#include "publish/outbox.hpp"
#include "server/settings.hpp"

namespace rollcall {

class Publishing {
 public:
  struct Parts {
    Registry& registry;
    const Catalog& catalog;
    const Clock& clock;
    /// What the routes work on, for the thread that publishes, with a reader of its own.
    std::function<api::ApiParts(CatalogReader&, Executor&)> api_parts;
  };

  static constexpr std::string_view kOffice = "publish";

  /// The names of their positions in the log; none where nothing is published.
  [[nodiscard]] static std::vector<std::string> outboxes_of(const Settings& settings);

  /// The same settings, by which the log keeps what isn't published yet.
  [[nodiscard]] static Settings keeping_history(Settings settings);

  /// Before anyone writes. Null where nothing is published.
  [[nodiscard]] static Result<std::unique_ptr<Publishing>> open(const Settings& settings, Store& store,
                                                                const Parts& parts);
  ~Publishing();

  /// Any thread. Whether this node is the one that publishes.
  void hold(bool office);
  /// What is under way is broken off, and the positions are handed to the registry's store thread.
  void stop();

  /// Any thread: there is a new sample of a service.
  void metrics_changed(const std::string& service);

  /// Any thread.
  [[nodiscard]] std::vector<api::PublisherInfo> publishers() const;
  [[nodiscard]] std::vector<api::PartHealth> health() const;

 private:
  struct Way {
    std::string name, exchange;
    std::unique_ptr<Publisher> publisher;
    std::unique_ptr<net::IoExecutor> thread;
    std::shared_ptr<Outbox> outbox;
  };

  explicit Publishing(const Parts& parts);
  void add(const Settings& settings, std::string name, std::string exchange, std::unique_ptr<Publisher> publisher);
  [[nodiscard]] LatestSources latest();
  [[nodiscard]] std::string list_services();
  void watch();
  void follow();
  [[nodiscard]] api::PublisherInfo info_of(const Way& way) const;

  const Parts parts_;
  CatalogReader reader_;  // of the thread's
  net::IoExecutor thread_{"rollcall-outbox"};
  std::vector<Way> ways_;             // constant after construction
  std::unique_ptr<Watcher> watcher_;  // the thread's
  bool stopped_ = false;
};

}  // namespace rollcall
