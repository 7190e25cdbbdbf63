// That binding.h says where things are.
#include <bit>

#include "leastwise/picker.h"
#include "lua/binding.h"
#include "memory/state.h"
#include "pick/pick_context.h"

namespace leastwise::lua {
namespace {

using state::Hot;
using state::Record;

// Halves are named for it, and floats are the bits of words.
static_assert(std::endian::native == std::endian::little);

#define SAME(ours, theirs, field, half) static_assert(offsetof(ours, field) == (theirs) + (half))

SAME(leastwise_hot, offsetof(Hot, load), work_low, 0);
SAME(leastwise_hot, offsetof(Hot, load), load_high, 4);
SAME(leastwise_hot, offsetof(Hot, speed), speed_low, 0);
SAME(leastwise_hot, offsetof(Hot, error), error_ms, 0);
SAME(leastwise_hot, offsetof(Hot, error), error_share, 4);
SAME(leastwise_hot, offsetof(Hot, health), health_low, 0);
SAME(leastwise_hot, offsetof(Hot, base), base, 0);
SAME(leastwise_hot, offsetof(Hot, handicap), handicap, 0);
SAME(leastwise_hot, offsetof(Hot, slowness), slowness, 0);
SAME(leastwise_hot, offsetof(Hot, inverse_weight), inverse_weight, 0);
SAME(leastwise_hot, offsetof(Hot, max_conns), max_conns, 0);
SAME(leastwise_hot, offsetof(Hot, flags), flags, 0);
SAME(leastwise_hot, offsetof(Hot, away), away, 0);
static_assert(sizeof(leastwise_hot) == sizeof(Hot));

SAME(leastwise_record, offsetof(Record, place), place, 0);
SAME(leastwise_record, offsetof(Record, name_size), name_size, 0);
SAME(leastwise_record, offsetof(Record, name_hash), hash_low, 0);
SAME(leastwise_record, offsetof(Record, answer_time), answer_ms, 0);
SAME(leastwise_record, offsetof(Record, answer_time), answer_seconds, 4);
SAME(leastwise_record, offsetof(Record, name), name, 0);
static_assert(sizeof(leastwise_record::name) == sizeof(Record::name));
SAME(leastwise_record, offsetof(Record, weight), weight, 0);
SAME(leastwise_record, offsetof(Record, max_fails), max_fails, 0);
SAME(leastwise_record, offsetof(Record, warmth), warmth, 0);
SAME(leastwise_record, offsetof(Record, rate), rate, 0);
SAME(leastwise_record, offsetof(Record, reported), report_ms, 0);
SAME(leastwise_record, offsetof(Record, reported), reported, 4);
SAME(leastwise_record, offsetof(Record, picks), picks, 0);
static_assert(sizeof(leastwise_record) == sizeof(Record));

SAME(leastwise_member, offsetof(Member, id), id, 0);
SAME(leastwise_member, offsetof(Member, backup), backup, 0);
static_assert(sizeof(leastwise_member) == sizeof(Member));

static_assert(std::size(decltype(leastwise_view::scores){}) == PickContext::kMost);

// What prelude.lua takes out of the words.
static_assert(load::in_flight(std::uint64_t{7} << (32 + 12)) == 7);
static_assert(away::idle(0xfffff) == 0xfffff && away::transit(0xfffff) == 0);
static_assert(reported::unpack(std::uint64_t{501} << 52).utilisation == 0.5F);
static_assert(reported::unpack(std::uint64_t{501} << 40).cpu == 0.5F);
static_assert(reported::unpack(std::uint64_t{101} << 32).memory == 0.5F);
static_assert(kRemote == 8 && kDraining == 2 && kBackup == 4);
#undef SAME

}  // namespace
}  // namespace leastwise::lua
