# slow
# below: read soundfile.py, _array_io soundfile.py
# known: loading=True
import soundfile

class Clips:
    def __getitem__(self, index):
        wave, rate = soundfile.read(self.paths[index])  # hot
        begin = self.begins[index]
        return wave[begin : begin + 16000]
# exempt: a part is read
# below: read soundfile.py
# known: loading=True
import soundfile

class Clips:
    def __getitem__(self, index):
        begin = self.begins[index]
        wave, rate = soundfile.read(self.paths[index], start=begin, stop=begin + 16000)  # hot
        return wave[0:16000]
# exempt: used whole
# below: read soundfile.py
# known: loading=True
import soundfile

class Clips:
    def __getitem__(self, index):
        wave, rate = soundfile.read(self.paths[index])  # hot
        return wave
