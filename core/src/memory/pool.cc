#include "leastwise/pool.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#include "memory/state.h"

namespace leastwise {
namespace {

using state::Header;
using state::Hot;
using state::Record;
using LedgerCell = Cell<std::int32_t>;

constexpr std::size_t round_up(std::size_t n) noexcept { return (n + 63) & ~std::size_t{63}; }

constexpr std::size_t kPerEndpoint = sizeof(Hot) + sizeof(Record) + sizeof(Learned) +
                                     sizeof(state::Window) + sizeof(state::Shadowed) +
                                     kMaxProcesses * sizeof(LedgerCell);

// Names must hash alike in every process that maps the memory: a build that hashes
// otherwise is another layout.
std::uint64_t hash_seed() noexcept { return std::hash<std::string_view>{}("leastwise"); }

template <typename T>
T* at(Header* header, std::size_t offset) noexcept {
  return std::launder(reinterpret_cast<T*>(reinterpret_cast<std::byte*>(header) + offset));
}

constexpr std::size_t hot_offset() noexcept { return round_up(sizeof(Header)); }
constexpr std::size_t record_offset(std::size_t n) noexcept {
  return hot_offset() + n * sizeof(Hot);
}
constexpr std::size_t learned_offset(std::size_t n) noexcept {
  return record_offset(n) + n * sizeof(Record);
}
constexpr std::size_t window_offset(std::size_t n) noexcept {
  return round_up(learned_offset(n) + n * sizeof(Learned));
}
constexpr std::size_t shadowed_offset(std::size_t n) noexcept {
  return round_up(window_offset(n) + n * sizeof(state::Window));
}
constexpr std::size_t ledger_offset(std::size_t n) noexcept {
  return shadowed_offset(n) + n * sizeof(state::Shadowed);
}
// Whole lines: each process writes its own row with every request.
constexpr std::size_t ledger_row(std::size_t n) noexcept {
  return round_up(n * sizeof(LedgerCell));
}

}  // namespace

namespace state {

std::span<Hot> Shared::hot() const noexcept { return {at<Hot>(header_, hot_offset()), capacity_}; }
std::span<Record> Shared::records() const noexcept {
  return {at<Record>(header_, record_offset(capacity_)), capacity_};
}
std::span<Learned> Shared::learned() const noexcept {
  return {at<Learned>(header_, learned_offset(capacity_)), capacity_};
}
std::span<Window> Shared::windows() const noexcept {
  return {at<Window>(header_, window_offset(capacity_)), capacity_};
}
std::span<Shadowed> Shared::shadowed() const noexcept {
  return {at<Shadowed>(header_, shadowed_offset(capacity_)), capacity_};
}
std::span<Cell<std::int32_t>> Shared::ledger(ProcessSlot slot) const noexcept {
  const std::size_t row = static_cast<std::size_t>(slot) % kMaxProcesses;
  return {at<LedgerCell>(header_, ledger_offset(capacity_) + row * ledger_row(capacity_)),
          capacity_};
}
std::size_t Shared::bytes_for(std::size_t capacity) noexcept {
  return ledger_offset(capacity) + kMaxProcesses * ledger_row(capacity);
}

void forget(const Shared& shared, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  hot.speed.set(0);
  hot.slowness.set(0);
  hot.error.set(0);
  hot.health.set(0);
  hot.base.set(0);
  hot.handicap.set(0);
  hot.fastest.set(0);
  hot.away.set(0);
  shared.records()[i].answer_time.set(0);
  shared.records()[i].failures_in_a_row.set(0);
  shared.records()[i].reported.set(0);
  shared.records()[i].queued.set(0);
  shared.records()[i].report_factor.set(0);
  shared.records()[i].report_demand.set(0);
  shared.records()[i].rate.set(0);
  shared.records()[i].capacity.set(0);
  shared.records()[i].spared.set(0);
  // The holder of the tick may be writing this now; a mixture of old and new heals.
  shared.learned()[i].mixture = {};
  shared.learned()[i].base = {};
}

}  // namespace state

std::size_t Pool::bytes_for(std::size_t capacity) noexcept {
  return state::Shared::bytes_for(capacity);
}

std::size_t Pool::capacity_for(std::size_t bytes) noexcept {
  if (bytes < bytes_for(1)) return 0;
  std::size_t n = std::min(kMaxEndpoints, (bytes - hot_offset()) / kPerEndpoint);
  while (n > 0 && bytes_for(n) > bytes) --n;
  return n;
}

Status Pool::create(std::span<std::byte> memory, std::size_t capacity, Pool& out) noexcept {
  if (capacity == 0 || capacity > kMaxEndpoints) {
    return {Status::Code::kOutOfRange, "a pool has 1 to 65536 endpoints"};
  }
  if (memory.size() < bytes_for(capacity)) {
    std::array<char, 24> digits;
    Text need(digits);
    need << std::uint64_t{bytes_for(capacity)};
    return {Status::Code::kNoMemory,
            {"memory too small for the pool: ", need.view(), " bytes needed"}};
  }
  // Zero is the rest state of every word: unknown, free, nothing in flight. The ledger's rows are
  // cleared when they are claimed: memory of processes that never come is not touched.
  std::memset(memory.data(), 0, ledger_offset(capacity));
  auto* header = std::launder(reinterpret_cast<Header*>(memory.data()));
  header->capacity = static_cast<std::uint32_t>(capacity);
  header->layout = state::kLayout;
  header->hash_seed = hash_seed();
  header->model.reset();
  header->model.publish(header->plans[0], false);
  header->magic = state::kMagic;
  out.header_ = header;
  out.capacity_ = header->capacity;
  return {};
}

Status Pool::attach(std::span<std::byte> memory, Pool& out) noexcept {
  if (memory.size() < sizeof(Header)) return {Status::Code::kCorrupt, "not a pool: too short"};
  auto* header = std::launder(reinterpret_cast<Header*>(memory.data()));
  if (header->magic != state::kMagic) return {Status::Code::kCorrupt, "not a pool"};
  if (header->layout != state::kLayout || header->hash_seed != hash_seed()) {
    return {Status::Code::kCorrupt, "a pool of another layout"};
  }
  if (header->capacity == 0 || header->capacity > kMaxEndpoints ||
      memory.size() < bytes_for(header->capacity)) {
    return {Status::Code::kCorrupt, "a pool that is damaged or cut short"};
  }
  out.header_ = header;
  out.capacity_ = header->capacity;
  return {};
}

state::Shared Pool::shared() const noexcept { return {header_, capacity_}; }

std::uint32_t Pool::begin_configuration() noexcept { return header_->configuration.add(1) + 1; }

bool Pool::is_newest(std::uint32_t configuration) const noexcept {
  return header_->configuration.get() == configuration;
}

Status Pool::migrate(const Pool& other) noexcept {
  const state::Shared from = other.shared();
  const state::Shared to = shared();
  Status result;
  to->is_probed.set(from->is_probed.get());
  to->panic.set(from->panic.get());
  to->panic_told.set(from->panic_told.get());
  to->tick_last.set(from->tick_last.get());  // what is copied is as old as it was
  state::copy_history(from->history, to->history);
  if (from->model.sane()) {
    to->model = from->model;
    to->routes.copy_from(from->routes);
    to->has_round_trips.set(from->has_round_trips.get());
    to->model.publish(to->plans[0], from->plan().weighted.get() != 0);
  }
  other.for_each([&](EndpointId old) noexcept {
    const Record& record = from.records()[index(old)];
    const std::size_t size = std::min<std::size_t>(record.name_size.get(), kMaxEndpointName);
    const EndpointId id = add({record.name.data(), size});
    if (id == kNoEndpoint) {
      result = {Status::Code::kNoMemory, "not all endpoints fit"};
      return;
    }
    configure(id, other.configured(old));
    change(id, {.fields = other.changed(old), .to = other.settings(old)});
    Hot& hot = to.hot()[index(id)];
    const Hot& old_hot = from.hot()[index(old)];
    hot.speed.set(old_hot.speed.get());
    hot.slowness.set(old_hot.slowness.get());
    hot.error.set(old_hot.error.get());
    hot.health.set(old_hot.health.get());
    hot.base.set(old_hot.base.get());
    hot.handicap.set(old_hot.handicap.get());
    hot.fastest.set(old_hot.fastest.get());
    to.records()[index(id)].answer_time.set(record.answer_time.get());
    to.records()[index(id)].serves.set(record.serves.get());
    to.records()[index(id)].spared.set(record.spared.get());
    to.records()[index(id)].warm_since_ms.set(record.warm_since_ms.get());
    to.learned()[index(id)] = from.learned()[index(old)];
    state::copy_ejection(record, to.records()[index(id)]);
    constexpr std::uint32_t kKept = state::kEjected | state::kProbeFlags;
    hot.flags.update([&](std::uint32_t flags) noexcept {
      return (flags & ~kKept) | (old_hot.flags.get() & kKept);
    });
    to.records()[index(id)].probe.set(record.probe.get());
    state::copy_counters(record, to.records()[index(id)]);
    state::copy_window(from.windows()[index(old)], to.windows()[index(id)]);
    to.records()[index(id)].picks_seen.set(static_cast<std::uint32_t>(record.picks.get()));
  });
  return result;
}

}  // namespace leastwise
