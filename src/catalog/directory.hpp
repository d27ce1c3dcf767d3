#pragma once
// The list of services on the applying thread, in the order of their first registration. Private to this folder.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "catalog/service_state.hpp"

namespace rollcall {

class Directory {
 public:
  Directory() : entries_(EncodedList::make()) {}

  /// Shows `state` as `view` has it; null: no longer. Seen after publish().
  void show(ServiceState& state, const ServiceView* view);
  void publish(Published<DirectoryView>& to, Revision revision);
  void clear();

 private:
  void close_gaps();

  std::shared_ptr<const EncodedList> entries_;
  std::vector<ServiceState*> at_place_;  ///< null: a hole
  std::size_t services_ = 0;
  std::size_t instances_ = 0;
  std::vector<std::uint32_t> instances_at_;  ///< of the service at that place, as last shown
  std::map<std::uint32_t, std::string> edits_;
};

}  // namespace rollcall
