#include "lib/tcp/edits.h"

#include <algorithm>
#include <type_traits>

namespace midstream::tcp {

static_assert(std::is_trivially_copyable_v<EditList>);

namespace {

TcpSequence removed_end(const Edit& edit) { return edit.position + edit.removed; }

}  // namespace

void EditList::reset(TcpSequence from, TcpSequence to) {
  base_input_ = from;
  base_output_ = to;
  count_ = 0;
  text_used_ = 0;
}

bool EditList::add(TcpSequence position, uint32_t removed, std::string_view inserted) {
  if (removed == 0 && inserted.empty()) return true;
  if (inserted.size() > kMaxInsertedBytes || !has_room(1, inserted.size())) return false;
  if (count_ > 0 && position < removed_end(edits_[count_ - 1])) return false;
  const auto size = static_cast<uint16_t>(inserted.size());
  edits_[count_++] = {position, removed, text_used_, size};
  std::copy(inserted.begin(), inserted.end(), text_.begin() + text_used_);
  text_used_ = static_cast<uint16_t>(text_used_ + size);
  return true;
}

TcpSequence EditList::to_output(TcpSequence input) const {
  uint32_t shift = base_output_.value() - base_input_.value();  // wraps, as sequence numbers do
  for (uint8_t i = 0; i < count_; ++i) {
    const Edit& edit = edits_[i];
    if (input <= edit.position) break;
    if (input < removed_end(edit)) return edit.position + shift + edit.inserted;
    shift += edit.inserted - edit.removed;
  }
  return input + shift;
}

EditList::Place EditList::locate(TcpSequence output) const {
  uint32_t shift = base_output_.value() - base_input_.value();
  for (uint8_t i = 0; i < count_; ++i) {
    const Edit& edit = edits_[i];
    const TcpSequence begin = edit.position + shift;
    const TcpSequence end = begin + edit.inserted;
    if (output < end) {
      if (output > begin) return {edit.position, &edit};
      break;
    }
    shift += edit.inserted - edit.removed;
  }
  return {output - shift, nullptr};
}

TcpSequence EditList::to_input(TcpSequence output) const { return locate(output).input; }

TcpSequence EditList::to_input_left_edge(TcpSequence output) const {
  const Place place = locate(output);
  return place.inside != nullptr ? removed_end(*place.inside) : place.input;
}

size_t EditList::apply(TcpSequence sequence, Bytes bytes, MutableBytes out) const {
  ByteWriter writer(out);
  const TcpSequence end = sequence + bytes.size();
  TcpSequence next = sequence;  // the first input byte not yet dealt with
  const auto copy_until = [&](TcpSequence until) {
    if (next >= until) return;
    writer.bytes(
        bytes.subspan(static_cast<size_t>(next - sequence), static_cast<size_t>(until - next)));
  };
  for (uint8_t i = 0; i < count_ && edits_[i].position < end; ++i) {
    const Edit& edit = edits_[i];
    if (edit.position >= next) {
      copy_until(edit.position);
      writer.bytes(inserted(edit));
    }
    next = later(next, removed_end(edit));
  }
  copy_until(end);
  return writer.ok() ? writer.position() : SIZE_MAX;
}

void EditList::acknowledge(TcpSequence output_acknowledged) {
  uint8_t folded = 0;
  for (; folded < count_; ++folded) {
    const Edit& edit = edits_[folded];
    const TcpSequence output_end = edit.position + (base_output_ - base_input_) + edit.inserted;
    if (output_acknowledged < output_end) break;
    base_input_ = removed_end(edit);
    base_output_ = output_end;
  }
  if (folded == 0) return;
  const uint16_t text = folded < count_ ? edits_[folded].text : text_used_;
  std::copy(text_.begin() + text, text_.begin() + text_used_, text_.begin());
  text_used_ = static_cast<uint16_t>(text_used_ - text);
  std::copy(edits_.begin() + folded, edits_.begin() + count_, edits_.begin());
  count_ = static_cast<uint8_t>(count_ - folded);
  for (uint8_t i = 0; i < count_; ++i) edits_[i].text = static_cast<uint16_t>(edits_[i].text - text);
}

}  // namespace midstream::tcp
