// Age list: things in the order in which they were last touched. Owns nothing, allocates nothing.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_AGE_LIST_H_
#define LEASTWISE_SPOE_AGENT_SERVE_AGE_LIST_H_

namespace leastwise::agent {

// T has the members `T* older = nullptr, *newer = nullptr` for us. All O(1). Not thread safe.
template <typename T>
class AgeList {
 public:
  T* oldest() const noexcept { return oldest_; }

  // REQUIRES: `item` is in no list.
  void add(T& item) noexcept {
    item.older = newest_;
    item.newer = nullptr;
    (newest_ != nullptr ? newest_->newer : oldest_) = &item;
    newest_ = &item;
  }
  // REQUIRES: `item` is in this list. So does touch().
  void remove(T& item) noexcept {
    (item.older != nullptr ? item.older->newer : oldest_) = item.newer;
    (item.newer != nullptr ? item.newer->older : newest_) = item.older;
  }
  void touch(T& item) noexcept {
    remove(item);
    add(item);
  }

 private:
  T* oldest_ = nullptr;
  T* newest_ = nullptr;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_AGE_LIST_H_
