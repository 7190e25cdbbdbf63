#include "leastwise/pool.h"

#include <algorithm>
#include <bit>
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

constexpr std::size_t kMostSets = std::size_t{1} << 25;  // 4 GiB

constexpr std::size_t round_up(std::size_t n) noexcept { return (n + 63) & ~std::size_t{63}; }

constexpr std::size_t kPerEndpoint = sizeof(Hot) + sizeof(Record) + sizeof(Learned) +
                                     sizeof(state::Window) + sizeof(state::Shadowed) +
                                     kMaxProcesses * sizeof(LedgerCell);

std::uint32_t sets_for(std::size_t residency) noexcept {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(residency / sizeof(ResidencySet), kMostSets));
}

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
Prompts Shared::prompts() const noexcept {
  if (sets_ == 0) return {};
  return {at<std::byte>(header_, round_up(bytes_for(capacity_))), capacity_, sets_};
}

void forget(const Shared& shared, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  hot.speed.set(0);
  hot.slowness.set(0);
  hot.error.set(0);
  hot.health.set(0);
  hot.base.set(0);
  hot.handicap.set(0);
  shared.records()[i].fastest.set(0);
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
  if (shared.has_prompts()) {
    // As of the next tick: the time is not known here.
    const TimePoint soon{Duration{shared->tick_last.get()} + Pool::kTickPeriod};
    shared.prompts().forget(i, stamp_of(soon));
  }
  // The holder of the tick may be writing this now; a mixture of old and new heals.
  shared.learned()[i].mixture = {};
  shared.learned()[i].base = {};
  shared.learned()[i].toll = {};
  shared.records()[i].heard_requests.set(0);
  shared.learned()[i].silence.word = 0;
}

}  // namespace state

std::size_t Pool::bytes_for(std::size_t capacity, std::size_t residency) noexcept {
  const std::size_t bytes = state::Shared::bytes_for(capacity);
  const std::uint32_t sets = sets_for(residency);
  return sets == 0 ? bytes : round_up(bytes) + state::Prompts::bytes_for(capacity, sets);
}

std::size_t Pool::residency() const noexcept { return std::size_t{sets_} * sizeof(ResidencySet); }

std::size_t Pool::image_bytes(std::size_t capacity) noexcept { return ledger_offset(capacity); }

std::span<const std::byte> Pool::image() const noexcept {
  return {reinterpret_cast<const std::byte*>(header_), image_bytes(capacity())};
}

std::size_t Pool::capacity_for(std::size_t bytes, std::size_t residency) noexcept {
  if (bytes < bytes_for(1, residency)) return 0;
  const std::size_t rest = bytes - (bytes_for(1, residency) - bytes_for(1));
  std::size_t n = std::min(kMaxEndpoints, (rest - hot_offset()) / kPerEndpoint);
  while (n > 0 && bytes_for(n, residency) > bytes) --n;
  return n;
}

Status Pool::create(std::span<std::byte> memory, std::size_t capacity, Pool& out,
                    std::size_t residency) noexcept {
  if (capacity == 0 || capacity > kMaxEndpoints) {
    return {Status::Code::kOutOfRange, "a pool has 1 to 65536 endpoints"};
  }
  if (memory.size() < bytes_for(capacity, residency)) {
    std::array<char, 24> digits;
    Text need(digits);
    need << std::uint64_t{bytes_for(capacity, residency)};
    return {Status::Code::kNoMemory,
            {"memory too small for the pool: ", need.view(), " bytes needed"}};
  }
  // Zero is the rest state of every word: unknown, free, nothing in flight. The ledger's rows are
  // cleared when they are claimed: memory of processes that never come is not touched.
  std::memset(memory.data(), 0, ledger_offset(capacity));
  auto* header = std::launder(reinterpret_cast<Header*>(memory.data()));
  out.sets_ = sets_for(residency);
  if (out.sets_ != 0) {
    const std::size_t begin = round_up(bytes_for(capacity));
    std::memset(memory.data() + begin, 0, bytes_for(capacity, residency) - begin);
  }
  header->model.reset();
  header->model.publish(header->plans[0], false);
  out.header_ = header;
  out.capacity_ = static_cast<std::uint32_t>(capacity);
  out.restore_head();
  return {};
}

bool Pool::restore_head() const noexcept {
  bool was_damaged = false;
  const auto put = [&](auto& word, auto value) noexcept {
    was_damaged |= word != value;
    word = value;
  };
  put(header_->capacity, capacity_);
  put(header_->layout, state::kLayout);
  put(header_->hash_seed, hash_seed());
  put(header_->residency_sets, sets_);
  put(header_->magic, state::kMagic);
  return was_damaged;
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
  const std::size_t residency = std::size_t{header->residency_sets} * sizeof(ResidencySet);
  const bool fits = header->residency_sets <= kMostSets &&
                    memory.size() >= bytes_for(header->capacity, residency);
  out.sets_ = fits ? header->residency_sets : 0;
  return {};
}

// The members of both are the same. Copied one by one they are put together from three, with each of
// the ten calls that a request makes.
state::Shared Pool::shared() const noexcept { return std::bit_cast<state::Shared>(*this); }

std::uint32_t Pool::begin_configuration() noexcept { return header_->configuration.add(1) + 1; }

bool Pool::is_newest(std::uint32_t configuration) const noexcept {
  return header_->configuration.get() == configuration;
}

}  // namespace leastwise
