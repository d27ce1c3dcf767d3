#pragma once
// Every id that is known: the living with their place in their service's list, the removed until forgotten. One thread
// writes; any thread looks up under a short lock of one shard. Private to this folder.
#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "catalog/catalog.hpp"

namespace rollcall {

class InstanceIndex {
 public:
  struct Living {
    InstancePtr instance;
    std::uint32_t position = 0;  ///< in its service's list
  };

  // ---- any thread ----
  [[nodiscard]] InstancePtr find(std::string_view id) const;
  [[nodiscard]] std::optional<Known> known(std::string_view id) const;
  /// The living of each shard as they were at one moment; without a lock during the visits.
  void for_each(const std::function<void(const InstancePtr&)>& visit) const;

  // ---- the writing thread ----
  /// Null when it doesn't live. Valid until the next write.
  [[nodiscard]] const Living* living(std::string_view id) const;
  void put(InstancePtr instance, std::uint32_t position);
  /// Ends the life of its id, if any, and remembers it as removed.
  void bury(InstancePtr instance, WallTime removed_at);
  void forget_buried(WallTime cutoff);
  void clear();
  void reserve(std::size_t instances);

 private:
  struct Buried {
    InstancePtr instance;
    WallTime removed_at;
    std::list<std::string_view>::iterator turn;
  };
  /// An id with its hash, so that choosing the shard and searching it hash once.
  struct Key {
    std::string_view id;
    std::size_t hash;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const noexcept { return key.hash; }
    template <class Record>
    std::size_t operator()(const Record& record) const noexcept {
      return std::hash<std::string_view>{}(record.instance->id.view());
    }
  };
  struct Equal {
    using is_transparent = void;
    template <class Record>
    bool operator()(const Record& a, const Record& b) const noexcept {
      return a.instance->id == b.instance->id;
    }
    template <class Record>
    bool operator()(const Key& key, const Record& record) const noexcept {
      return record.instance->id.view() == key.id;
    }
    template <class Record>
    bool operator()(const Record& record, const Key& key) const noexcept {
      return record.instance->id.view() == key.id;
    }
  };
  template <class Record>
  using Table = boost::unordered_flat_set<Record, Hash, Equal>;

  struct alignas(64) Shard {
    mutable std::mutex mutex;  ///< held by the writer while it alters, by others while they look
    Table<Living> living;
    Table<Buried> buried;
  };

  static Key key_of(std::string_view id) noexcept { return {id, std::hash<std::string_view>{}(id)}; }
  // The tables use the hash's other bits.
  static constexpr unsigned kShardBits = 6;
  [[nodiscard]] const Shard& shard(const Key& key) const noexcept {
    return shards_[(key.hash * 0x9E3779B97F4A7C15U) >> (64 - kShardBits)];
  }
  [[nodiscard]] Shard& shard(const Key& key) noexcept { return const_cast<Shard&>(std::as_const(*this).shard(key)); }

  std::array<Shard, std::size_t{1} << kShardBits> shards_;
  std::list<std::string_view> turns_;  ///< the buried, oldest burial first; the writing thread's alone
};

}  // namespace rollcall
