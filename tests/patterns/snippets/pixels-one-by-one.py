# slow
def pixels(image):
    rows = []
    for y in range(224):
        row = []
        for x in range(224):
            r, g, b = image.getpixel((x, y))  # hot
            row.append((r / 255, g / 255, b / 255))  # hot
        rows.append(row)
    return rows
# exempt: the corner of each image
def corners(images):
    for image in images:
        yield image.getpixel((0, 0))  # hot
