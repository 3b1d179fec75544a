# healthy
def tokens(text, vocabulary):
    found = []
    position = 0
    while position < len(text):
        for length in range(min(16, len(text) - position), 0, -1):
            piece = text[position : position + length]
            if piece in vocabulary:
                found.append(vocabulary[piece])
                position += length
                break
        else:
            found.append(0)
            position += 1
    return found
