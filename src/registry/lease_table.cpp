#include "registry/lease_table.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdlib>
#include <new>

#include "registry/lease_index.hpp"
#include "registry/lease_slot.hpp"
#include "registry/pages.hpp"

namespace rollcall {

using namespace lease;

namespace {

constexpr std::size_t kSlotsPerChunk = 32'768;
constexpr std::size_t kChunks = 8'192;

/// What only the owner reads.
struct OwnerRecord {
  LeaseTable::Terms terms;
  std::uint32_t serial = 0;
};

}  // namespace

struct LeaseTable::Impl {
  std::array<std::atomic<Slot*>, kChunks> chunks{};
  std::atomic<LeaseIndex*> index{nullptr};

  // The owner's.
  std::shared_ptr<LeaseIndex> index_owner;
  std::vector<OwnerRecord> records;
  std::vector<std::uint32_t> free_slots;
  Retired retired;
  std::size_t living = 0;
  /// Where each number is. None until it is asked for: one node alone has no use for it.
  std::optional<boost::unordered_flat_map<std::uint64_t, std::uint32_t>> slots_by_number;

  Impl() { publish(std::make_shared<LeaseIndex>(1024, 1024)); }

  ~Impl() {
    for (std::uint32_t slot = 0; slot < records.size(); ++slot) at(slot).clear_id();
    for (auto& chunk : chunks) std::free(chunk.load(std::memory_order_relaxed));
  }

  [[nodiscard]] Slot& at(std::uint32_t slot) const noexcept {
    return chunks[slot / kSlotsPerChunk].load(std::memory_order_acquire)[slot % kSlotsPerChunk];
  }

  void publish(std::shared_ptr<LeaseIndex> next) {
    index.store(next.get(), std::memory_order_release);
    if (index_owner) retired.indexes.push_back(index_owner);
    index_owner = std::move(next);
  }

  /// The slot of a living lease, or null. Any thread.
  Slot* find(std::string_view id, std::uint64_t hash, std::uint32_t* number = nullptr) const noexcept {
    const LeaseIndex& table = *index.load(std::memory_order_acquire);
    for (std::size_t at_bucket = hash & table.mask;; at_bucket = (at_bucket + 1) & table.mask) {
      const std::uint32_t bucket = table.buckets[at_bucket].load(std::memory_order_acquire);
      if (bucket == LeaseIndex::kEmpty) return nullptr;
      if (bucket == LeaseIndex::kDeleted || !table.same_tag(bucket, hash)) continue;
      Slot& slot = at(table.slot_of(bucket));
      if (slot.id() != id) continue;
      if (number != nullptr) *number = table.slot_of(bucket);
      return &slot;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t slot) {
    if ((index_owner->used + 1) * 2 > index_owner->mask + 1 || !index_owner->reaches(slot)) rebuild();
    place(*index_owner, hash, slot);
  }

  static void place(LeaseIndex& table, std::uint64_t hash, std::uint32_t slot) {
    for (std::size_t at_bucket = hash & table.mask;; at_bucket = (at_bucket + 1) & table.mask) {
      const std::uint32_t bucket = table.buckets[at_bucket].load(std::memory_order_relaxed);
      if (bucket > LeaseIndex::kDeleted) continue;
      if (bucket == LeaseIndex::kEmpty) ++table.used;
      table.buckets[at_bucket].store(table.make(hash, slot), std::memory_order_release);
      return;
    }
  }

  void rebuild() {
    std::size_t size = 1024;
    while (size < living * 4) size *= 2;
    auto next = std::make_shared<LeaseIndex>(size, std::max(size, records.size() * 2));
    const LeaseIndex& old = *index_owner;
    for (std::size_t i = 0; i <= old.mask; ++i) {
      const std::uint32_t bucket = old.buckets[i].load(std::memory_order_relaxed);
      if (bucket <= LeaseIndex::kDeleted) continue;
      const std::uint32_t slot = old.slot_of(bucket);
      place(*next, hash_of(at(slot).id()), slot);
    }
    publish(std::move(next));
  }

  std::uint32_t take_slot() {
    if (!free_slots.empty()) {
      const auto slot = free_slots.back();
      free_slots.pop_back();
      return slot;
    }
    const auto slot = static_cast<std::uint32_t>(records.size());
    if (slot % kSlotsPerChunk == 0) {
      if (slot / kSlotsPerChunk == kChunks) throw std::bad_alloc();
      auto* memory = static_cast<Slot*>(allocate_pages(kSlotsPerChunk * sizeof(Slot)));
      for (std::size_t i = 0; i < kSlotsPerChunk; ++i) new (memory + i) Slot;
      chunks[slot / kSlotsPerChunk].store(memory, std::memory_order_release);
    }
    records.emplace_back();
    return slot;
  }

  void note_number(InstanceNumber of, std::uint32_t slot) {
    if (slots_by_number) slots_by_number->insert_or_assign(of.value, slot);
  }

  void forget_number(InstanceNumber of, std::uint32_t slot) {
    if (!slots_by_number) return;
    const auto found = slots_by_number->find(of.value);
    if (found != slots_by_number->end() && found->second == slot) slots_by_number->erase(found);
  }

  Slot* find(InstanceNumber number) {
    if (!slots_by_number) {
      slots_by_number.emplace();
      for (std::uint32_t slot = 0; slot < records.size(); ++slot) {
        if (state_of(at(slot).word.load(std::memory_order_relaxed)) != LeaseState::gone) {
          note_number(records[slot].terms.number, slot);
        }
      }
    }
    const auto found = slots_by_number->find(number.value);
    return found == slots_by_number->end() ? nullptr : &at(found->second);
  }

  [[nodiscard]] Slot* current(Handle handle) const noexcept {
    if (handle.slot >= records.size() || records[handle.slot].serial != handle.serial) return nullptr;
    return &at(handle.slot);
  }

  /// Keeps those flags of `kept` that it has: a beat that came to this node has yet to be told to the others.
  static void revive(Slot& slot, LeaseTime last_beat, std::int64_t flags, std::int64_t kept) noexcept {
    std::int64_t word = slot.word.load(std::memory_order_acquire);
    while (!slot.word.compare_exchange_weak(word, pack(last_beat, LeaseState::alive, flags | (word & kept)),
                                            std::memory_order_acq_rel)) {
    }
  }

  BeatResult beat(std::string_view id, std::uint64_t hash, std::uint64_t session_hash, LeaseTime now,
                  std::optional<Source> only = std::nullopt) noexcept {
    Slot* slot = find(id, hash);
    if (slot == nullptr) return BeatResult::unknown;
    if (only && *only != slot->source.load(std::memory_order_relaxed)) return BeatResult::unknown;
    if (session_hash != 0 && session_hash != slot->session_hash.load(std::memory_order_relaxed)) {
      return BeatResult::stale;
    }
    std::int64_t word = slot->word.load(std::memory_order_acquire);
    for (;;) {
      const LeaseState state = state_of(word);
      if (state == LeaseState::gone) return BeatResult::unknown;
      if (state != LeaseState::alive) return BeatResult::undecided;
      const auto beaten = pack(std::max(now, beat_of(word)), LeaseState::alive, kHeardHere);
      if (!slot->word.compare_exchange_weak(word, beaten, std::memory_order_acq_rel)) continue;
      const std::chrono::milliseconds ttl{slot->ttl_ms.load(std::memory_order_relaxed)};
      return now - beat_of(word) < ttl ? BeatResult::ok : BeatResult::late;
    }
  }
};

LeaseTable::LeaseTable() : impl_(std::make_unique<Impl>()) {}
LeaseTable::~LeaseTable() = default;

LeaseTable::Key LeaseTable::key(std::string_view id) const noexcept {
  const std::uint64_t hash = hash_of(id);
  const LeaseIndex& table = *impl_->index.load(std::memory_order_acquire);
  const std::uint32_t bucket = table.buckets[hash & table.mask].load(std::memory_order_acquire);
  if (bucket > LeaseIndex::kDeleted) __builtin_prefetch(&impl_->at(table.slot_of(bucket)), 1);
  return {id, hash};
}

BeatResult LeaseTable::beat(const Key& key, std::string_view session, LeaseTime now) noexcept {
  return impl_->beat(key.id, key.hash, session_hash_of(session), now);
}

void LeaseTable::beat_many(std::span<const std::string_view> ids, std::span<BeatResult> results, LeaseTime now,
                           std::optional<Source> only) noexcept {
  constexpr std::size_t kGroup = 64;
  std::array<std::uint64_t, kGroup> hashes;
  const LeaseIndex& table = *impl_->index.load(std::memory_order_acquire);
  for (std::size_t begin = 0; begin < ids.size(); begin += kGroup) {
    const std::size_t count = std::min(kGroup, ids.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      hashes[i] = hash_of(ids[begin + i]);
      __builtin_prefetch(&table.buckets[hashes[i] & table.mask]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t bucket = table.buckets[hashes[i] & table.mask].load(std::memory_order_acquire);
      if (bucket > LeaseIndex::kDeleted) __builtin_prefetch(&impl_->at(table.slot_of(bucket)), 1);
    }
    for (std::size_t i = 0; i < count; ++i) {
      results[begin + i] = impl_->beat(ids[begin + i], hashes[i], 0, now, only);
    }
  }
}

std::optional<LeaseTable::Look> LeaseTable::look(std::string_view id) const noexcept {
  const Slot* slot = impl_->find(id, hash_of(id));
  if (slot == nullptr) return std::nullopt;
  const std::int64_t word = slot->word.load(std::memory_order_acquire);
  if (state_of(word) == LeaseState::gone) return std::nullopt;
  return Look{state_of(word), beat_of(word), is_unverified(word)};
}

std::optional<LeaseTable::Look> LeaseTable::look(Handle handle) const noexcept {
  const Slot* slot = impl_->current(handle);
  if (slot == nullptr) return std::nullopt;
  const std::int64_t word = slot->word.load(std::memory_order_acquire);
  if (state_of(word) == LeaseState::gone) return std::nullopt;
  return Look{state_of(word), beat_of(word), is_unverified(word)};
}

LeaseTable::Handle LeaseTable::put(const InstanceId& id, const Session& session, const Terms& terms,
                                   LeaseTime last_beat, bool unverified) {
  const std::uint64_t hash = hash_of(id.view());
  std::uint32_t number = 0;
  Slot* slot = impl_->find(id.view(), hash, &number);
  const bool is_new = slot == nullptr;
  if (is_new) {
    number = impl_->take_slot();
    slot = &impl_->at(number);
    slot->set_id(id.view());
    ++impl_->living;
  }
  impl_->records[number].terms = terms;
  slot->session_hash.store(session_hash_of(session.view()), std::memory_order_relaxed);
  slot->source.store(terms.source, std::memory_order_relaxed);
  slot->ttl_ms.store(in_32_bits(terms.lease.ttl), std::memory_order_relaxed);
  impl_->revive(*slot, last_beat, unverified ? kUnverified : 0, is_new ? 0 : kHeardHere);
  impl_->note_number(terms.number, number);
  if (is_new) impl_->insert(hash, number);
  return {number, impl_->records[number].serial};
}

void LeaseTable::erase(std::string_view id) {
  const std::uint64_t hash = hash_of(id);
  const LeaseIndex& table = *impl_->index_owner;
  for (std::size_t at_bucket = hash & table.mask;; at_bucket = (at_bucket + 1) & table.mask) {
    auto& bucket = table.buckets[at_bucket];
    const std::uint32_t value = bucket.load(std::memory_order_relaxed);
    if (value == LeaseIndex::kEmpty) return;
    if (value == LeaseIndex::kDeleted || !table.same_tag(value, hash)) continue;
    const std::uint32_t number = table.slot_of(value);
    Slot& slot = impl_->at(number);
    if (slot.id() != id) continue;
    bucket.store(LeaseIndex::kDeleted, std::memory_order_release);
    slot.word.store(pack({}, LeaseState::gone, 0), std::memory_order_release);
    impl_->forget_number(impl_->records[number].terms.number, number);
    ++impl_->records[number].serial;
    impl_->retired.slots.push_back(number);
    --impl_->living;
    return;
  }
}

std::optional<LeaseTable::Handle> LeaseTable::find(std::string_view id) const noexcept {
  std::uint32_t number = 0;
  if (impl_->find(id, hash_of(id), &number) == nullptr) return std::nullopt;
  return Handle{number, impl_->records[number].serial};
}

const LeaseTable::Terms& LeaseTable::terms(Handle handle) const noexcept { return impl_->records[handle.slot].terms; }

std::string_view LeaseTable::id(Handle handle) const noexcept { return impl_->at(handle.slot).id(); }

std::optional<Duration> LeaseTable::claim(Handle handle, LeaseTime judged_at) noexcept {
  Slot* slot = impl_->current(handle);
  if (slot == nullptr) return std::nullopt;
  const LeaseTime ttl = impl_->records[handle.slot].terms.lease.ttl;
  std::int64_t word = slot->word.load(std::memory_order_acquire);
  for (;;) {
    const LeaseTime silence = judged_at - beat_of(word);
    if (state_of(word) != LeaseState::alive || silence < ttl) return std::nullopt;
    const auto claimed = pack(beat_of(word), LeaseState::expiring, flags_of(word));
    if (slot->word.compare_exchange_weak(word, claimed, std::memory_order_acq_rel)) return silence;
  }
}

void LeaseTable::restore(Handle handle) noexcept {
  Slot* slot = impl_->current(handle);
  if (slot == nullptr) return;
  const std::int64_t word = slot->word.load(std::memory_order_acquire);
  if (state_of(word) != LeaseState::expiring) return;
  slot->word.store(pack(beat_of(word), LeaseState::alive, flags_of(word)), std::memory_order_release);
}

void LeaseTable::lapse(Handle handle, LeaseTime now) noexcept {
  Slot* slot = impl_->current(handle);
  if (slot == nullptr) return;
  const std::int64_t word = slot->word.load(std::memory_order_acquire);
  const LeaseTime beat = std::max(beat_of(word), now - impl_->records[handle.slot].terms.lease.ttl);
  slot->word.store(pack(beat, LeaseState::lapsed, flags_of(word)), std::memory_order_release);
}

std::optional<LeaseTime> LeaseTable::heard_elsewhere(InstanceNumber number, LeaseTime last_beat) {
  Slot* slot = impl_->find(number);
  if (slot == nullptr) return std::nullopt;
  std::int64_t word = slot->word.load(std::memory_order_acquire);
  while (state_of(word) == LeaseState::alive && beat_of(word) < last_beat) {
    const auto merged = pack(last_beat, LeaseState::alive, 0);
    if (!slot->word.compare_exchange_weak(word, merged, std::memory_order_acq_rel)) continue;
    return (word & kHeardHere) != 0 ? std::optional(beat_of(word)) : std::nullopt;
  }
  return std::nullopt;
}

LeaseTable::Marks LeaseTable::marks_since(LeaseTime since, Heard where) const {
  Marks found;
  for (std::uint32_t number = 0; number < impl_->records.size(); ++number) {
    const std::int64_t word = impl_->at(number).word.load(std::memory_order_acquire);
    if (state_of(word) == LeaseState::gone) continue;
    const Terms& terms = impl_->records[number].terms;
    found.shortest_ttl = std::min(found.shortest_ttl, terms.lease.ttl);
    const bool lapsed = state_of(word) == LeaseState::lapsed;
    if (where == Heard::here && (lapsed || (word & kHeardHere) == 0)) continue;
    if ((lapsed ? beat_of(word) + terms.lease.ttl : beat_of(word)) < since) continue;
    found.marks.push_back({terms.number, std::chrono::floor<std::chrono::milliseconds>(beat_of(word))});
  }
  return found;
}

std::size_t LeaseTable::size() const noexcept { return impl_->living; }

LeaseTable::Retired LeaseTable::take_retired() { return std::exchange(impl_->retired, {}); }

void LeaseTable::reclaim(Retired retired) {
  for (const auto number : retired.slots) {
    impl_->at(number).clear_id();
    impl_->free_slots.push_back(number);
  }
}

}  // namespace rollcall
