// Memory of stream establishments, used again and again: buffers that a new attempt will hardly touch
// are neither asked for nor cleared each time.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "control/stream_establishment.h"

namespace midstream {

class Attempts {
 public:
  struct GiveBack {
    Attempts* attempts = nullptr;
    void operator()(StreamEstablishment* attempt) const {
      std::destroy_at(attempt);
      attempts->free_.push_back(attempt);
    }
  };
  using Attempt = std::unique_ptr<StreamEstablishment, GiveBack>;

  Attempts() = default;
  ~Attempts() {  // all have been given back
    for (StreamEstablishment* place : free_) memory_.deallocate(place, 1);
  }
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;

  template <typename... Arguments>
  Attempt make(Arguments&&... arguments) {
    if (free_.empty()) {
      free_.push_back(memory_.allocate(1));
      ++places_;
    }
    StreamEstablishment* const place = free_.back();
    free_.pop_back();
    return {std::construct_at(place, std::forward<Arguments>(arguments)...), {this}};
  }
  size_t in_use() const { return places_ - free_.size(); }

 private:
  std::allocator<StreamEstablishment> memory_;
  std::vector<StreamEstablishment*> free_;  // nothing lives there
  size_t places_ = 0;
};

}  // namespace midstream
