// StateStore: the memory in which the pools live, and over a restart stay.
//
// Without a path it is anonymous. With one it is a file, mapped and shared with nobody: an
// exclusive lock refuses a second agent. The file is a chain of sections, each one page of head
// and the memory of one backend's pool; a pool that outgrows its section gets a new one at the
// end, and the old one is left as a gap. A file that is damaged, cut short, or of another version
// is not repaired: it is started afresh, with one warning, because what is in it is learned again
// in seconds.
//
// Memory is never given back before the store goes, so a view of it stays valid. Thread safe only
// in that the memory may be used by any thread; the functions belong to one.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_STATE_STORE_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_STATE_STORE_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "serve/fd.h"

namespace leastwise::agent {

class StateStore {
 public:
  using Memory = std::span<std::byte>;

  // Anonymous when `path` is empty. Throws std::runtime_error when the file can not be opened or
  // another agent holds it. Continues now() from the time in the file.
  explicit StateStore(const std::string& path);
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;
  ~StateStore();

  // What an earlier run left for that name; empty if nothing.
  Memory find(std::string_view name) const noexcept;

  // Zeroed memory, aligned to a page; from now on find() gives it for that name. When the file
  // can not grow it is anonymous, with a warning. Empty only when there is no memory at all.
  Memory create(std::string_view name, std::size_t bytes);

  // Writes down the time for the next run. Costs a store.
  void stamp(TimePoint now) noexcept;

 private:
  Memory map(std::size_t offset, std::size_t bytes) noexcept;
  bool load();
  void start_afresh();
  Memory append(std::string_view name, std::size_t bytes);
  Memory anonymous(std::size_t bytes) noexcept;

  std::string path_;
  Fd file_;
  std::size_t end_ = 0;
  Memory head_;
  std::map<std::string, Memory, std::less<>> sections_;
  std::vector<Memory> mapped_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_STATE_STORE_H_
