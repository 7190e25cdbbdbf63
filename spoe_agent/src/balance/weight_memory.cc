#include "balance/weight_memory.h"

#include <unordered_map>

#include "haproxy/request_id.h"

namespace leastwise::agent {
namespace {

constexpr unsigned kBits = 10;  // of a weight, which is 256 at most
constexpr std::uint64_t kMask = (1U << kBits) - 1;

std::uint32_t weight_at(std::uint64_t word, unsigned position) noexcept {
  return static_cast<std::uint32_t>(word >> position * kBits & kMask);
}

}  // namespace

// No backend has a space in its name, so it is not the name of a pool.
WeightMemory::WeightMemory(StateStore& store, std::string_view backend)
    : store_(store), name_("weights of " + std::string(backend)), memory_(store.find(name_)) {}

std::span<WeightMemory::Record> WeightMemory::records() const noexcept {
  return {reinterpret_cast<Record*>(memory_.data()), memory_.size() / sizeof(Record)};
}

std::uint64_t WeightMemory::pack(const Steering::View& server, std::uint32_t pid) noexcept {
  return std::uint64_t{pid} << 32 | (server.configured & kMask) << 2 * kBits |
         (server.told & kMask) << kBits | (server.weight & kMask);
}

void WeightMemory::recall(const BackendInfo& backend, std::uint32_t pid, Steering& steering) const {
  std::unordered_map<std::uint64_t, std::uint64_t> words;
  for (const Record& record : records()) {
    if (record.word == 0) break;
    if (record.word >> 32 == pid) words.emplace(record.key ^ record.word, record.word);
  }
  for (const ServerInfo& server : backend.servers) {
    const auto found = words.find(text_hash(server.name));
    if (found == words.end()) continue;
    const std::uint64_t word = found->second;
    if (weight_at(word, 2) > Steering::kMostWeight) continue;
    steering.recall({.server = server.name,
                     .weight = weight_at(word, 0),
                     .configured = weight_at(word, 2),
                     .told = weight_at(word, 1)},
                    pid);
  }
}

void WeightMemory::keep(const std::vector<Steering::View>& servers, std::uint32_t pid) {
  const std::size_t bytes = (servers.size() + 1) * sizeof(Record);
  if (memory_.size() < bytes) memory_ = store_.create(name_, 2 * bytes);
  const std::span<Record> all = records();
  if (all.size() <= servers.size()) return;  // no memory
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::uint64_t word = pack(servers[i], pid);
    const Record next{.key = text_hash(servers[i].server) ^ word, .word = word};
    // What stays is not written: a page that is touched goes to the disk.
    if (all[i].key != next.key || all[i].word != next.word) all[i] = next;
  }
  if (all[servers.size()].word != 0) all[servers.size()] = {};
}

}  // namespace leastwise::agent
